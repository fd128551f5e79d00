"""Measurements that README, docs and cards quote; each is one script."""

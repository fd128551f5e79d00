import json

from keras_imgen.callbacks import MetricLog
from keras_imgen.run_log import read_log


def test_one_line_an_epoch(tiny, data, tmp_path):
    path = tmp_path / "run" / "metrics.jsonl"
    history = tiny().fit(data, epochs=2, verbose=0, callbacks=[MetricLog(str(path))])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert [line["loss"] for line in lines] == history.history["loss"]


def test_a_resumed_run_drops_what_it_does_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1, "loss": 3.0}\n{"epoch": 2, "loss": 2.0}\n{"epoch": 3, "lo')
    log = MetricLog(str(path))
    log.on_train_begin()
    log.on_epoch_begin(1)
    log.on_epoch_end(1, {"loss": 1.0})
    assert [(line["epoch"], line["loss"]) for line in read_log(path)] == [(1, 3.0), (2, 1.0)]


def test_no_log_is_an_empty_one(tmp_path):
    assert read_log(str(tmp_path / "none")) == []

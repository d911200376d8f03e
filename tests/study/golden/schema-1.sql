PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO studies VALUES(1,'old');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO version_info VALUES(1,12,'5.0.0');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_directions VALUES(1,'MAXIMIZE',1,0);
INSERT INTO study_directions VALUES(2,'MINIMIZE',1,1);
INSERT INTO study_directions VALUES(3,'MAXIMIZE',1,2);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_user_attributes VALUES(1,1,'dse:schema','1');
INSERT INTO study_user_attributes VALUES(2,1,'dse:signature','"2d35494973ea8c21"');
INSERT INTO study_user_attributes VALUES(3,1,'dse:about','{"system": {"cpu": "AMD EPYC", "architecture": "x86_64", "microcode": "0x1000065", "available_cpus": 2, "physical_cores": 2, "cpu_quota": null, "max_mhz": [], "memory_bytes": 25276502016, "governor": "unknown", "virtualised": true, "operating_system": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0"}, "space": {"models": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"], "precisions": ["fp32", "int8"], "backends": {"null": {"fault": ["refuse", "raise"]}, "onnxruntime": {}}, "threads": [1], "batch_sizes": [1, 8], "instances": [1], "pinned": [false], "objectives": ["accuracy_percent", "latency_p90_ms", "throughput_samples_per_s"], "constraints": {"latency_p90_ms": {"max": 50.0}}}, "planned": 20, "excluded": ["onnxruntime fp32, mobilenet-v2-0.35-96: no model of that name is on offer; did you mean ''mobilenet-v2-0.35-192''? (2 configurations)", "onnxruntime int8, mobilenet-v2-0.35-96: no model of that name is on offer; did you mean ''mobilenet-v2-0.35-192''? (2 configurations)"], "accuracy": "published", "models": "builtin", "runtimes": {"null": "1", "onnxruntime": "1.32.0"}, "artefacts": {"mobilenet-v1-0.25-128 fp32 onnx": "be7bc6b1a309c59b", "mobilenet-v1-0.25-128 int8 onnx": "0178e4b66543a93f"}}');
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_system_attributes VALUES(1,1,'study:metric_names','["accuracy_percent", "latency_p90_ms", "throughput_samples_per_s"]');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO trials VALUES(1,0,1,'FAIL','2026-11-23 03:04:21.195476','2026-11-23 03:04:21.444040');
INSERT INTO trials VALUES(2,1,1,'FAIL','2026-11-23 03:04:21.454982','2026-11-23 03:04:22.374746');
INSERT INTO trials VALUES(3,2,1,'FAIL','2026-11-23 03:04:22.383934','2026-11-23 03:04:22.418773');
INSERT INTO trials VALUES(4,3,1,'FAIL','2026-11-23 03:04:22.432869','2026-11-23 03:04:23.579241');
INSERT INTO trials VALUES(5,4,1,'COMPLETE','2026-11-23 03:04:23.592217','2026-11-23 03:04:26.562013');
INSERT INTO trials VALUES(6,5,1,'COMPLETE','2026-11-23 03:04:26.571313','2026-11-23 03:04:28.520214');
INSERT INTO trials VALUES(7,6,1,'FAIL','2026-11-23 03:04:28.528569','2026-11-23 03:04:28.727858');
INSERT INTO trials VALUES(8,7,1,'FAIL','2026-11-23 03:04:28.735054','2026-11-23 03:04:29.646813');
INSERT INTO trials VALUES(9,8,1,'FAIL','2026-11-23 03:04:29.657323','2026-11-23 03:04:29.687223');
INSERT INTO trials VALUES(10,9,1,'FAIL','2026-11-23 03:04:29.695739','2026-11-23 03:04:30.604875');
INSERT INTO trials VALUES(11,10,1,'COMPLETE','2026-11-23 03:04:30.614525','2026-11-23 03:04:33.406636');
INSERT INTO trials VALUES(12,11,1,'COMPLETE','2026-11-23 03:04:33.416653','2026-11-23 03:04:35.262623');
INSERT INTO trials VALUES(13,12,1,'FAIL','2026-11-23 03:04:35.271035','2026-11-23 03:04:35.303479');
INSERT INTO trials VALUES(14,13,1,'FAIL','2026-11-23 03:04:35.311741','2026-11-23 03:04:35.343191');
INSERT INTO trials VALUES(15,14,1,'FAIL','2026-11-23 03:04:35.351581','2026-11-23 03:04:35.387790');
INSERT INTO trials VALUES(16,15,1,'FAIL','2026-11-23 03:04:35.399863','2026-11-23 03:04:35.447704');
INSERT INTO trials VALUES(17,16,1,'FAIL','2026-11-23 03:04:35.456703','2026-11-23 03:04:35.489638');
INSERT INTO trials VALUES(18,17,1,'FAIL','2026-11-23 03:04:35.499179','2026-11-23 03:04:35.536283');
INSERT INTO trials VALUES(19,18,1,'FAIL','2026-11-23 03:04:35.544926','2026-11-23 03:04:35.580603');
INSERT INTO trials VALUES(20,19,1,'FAIL','2026-11-23 03:04:35.589812','2026-11-23 03:04:35.621983');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_user_attributes VALUES(1,1,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(2,1,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(3,1,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 44.116, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "unsupported", "message": "refused, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 170, in _stream_run\n    call_s = bench.warm_up(setup)\n             ^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 111, in warm_up\n    return min(self._warm(caller, batch) for caller in self.callers(setup))\n                                                       ^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 80, in callers\n    self._load(setup, _cpus(setup, number))\n  File \"/opt/dse/dse/measure/bench.py\", line 94, in _load\n    model = self._runtime.load(request)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/backends/null.py\", line 52, in load\n    raise UnsupportedError(\"refused, as asked for\")\ndse.contract.UnsupportedError: refused, as asked for", "attempts": 1, "key": "20c46959fa8bdfea"}}');
INSERT INTO trial_user_attributes VALUES(4,2,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(5,2,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(6,2,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 44.116, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "crash", "message": "RuntimeError: raised, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/loadgen/queries.py\", line 55, in answer\n    predict(bound[indices[0]])\n  File \"/opt/dse/backends/null.py\", line 74, in predict\n    _strike(self._fault)\n  File \"/opt/dse/backends/null.py\", line 85, in _strike\n    raise RuntimeError(\"raised, as asked for\")\nRuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/bench.py\", line 141, in run\n    run(self.callers(setup), self.inputs, settings, logs)\n  File \"/opt/dse/dse/loadgen/harness.py\", line 64, in run\n    raise samples.errors[0]\ndse.loadgen.samples.PredictionError: RuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 185, in _stream_run\n    return _valid_run(bench, setup, settings, folder)\n           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 242, in _valid_run\n    log = read_detail(bench.run(setup, wanted, logs_of_try(folder, attempt)))\n                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 143, in run\n    raise failed(FailureKind.CRASH, error.__cause__ or error) from error\ndse.measure.failures.RunFailedError: RuntimeError: raised, as asked for", "attempts": 2, "key": "93edbcdcb5f2ec4e"}}');
INSERT INTO trial_user_attributes VALUES(7,3,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(8,3,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(9,3,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 44.116, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "unsupported", "message": "refused, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 170, in _stream_run\n    call_s = bench.warm_up(setup)\n             ^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 111, in warm_up\n    return min(self._warm(caller, batch) for caller in self.callers(setup))\n                                                       ^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 80, in callers\n    self._load(setup, _cpus(setup, number))\n  File \"/opt/dse/dse/measure/bench.py\", line 94, in _load\n    model = self._runtime.load(request)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/backends/null.py\", line 52, in load\n    raise UnsupportedError(\"refused, as asked for\")\ndse.contract.UnsupportedError: refused, as asked for", "attempts": 0, "key": "20c46959fa8bdfea"}}');
INSERT INTO trial_user_attributes VALUES(10,4,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(11,4,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(12,4,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 44.116, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "crash", "message": "RuntimeError: raised, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/loadgen/queries.py\", line 55, in answer\n    predict(bound[indices[0]])\n  File \"/opt/dse/backends/null.py\", line 74, in predict\n    _strike(self._fault)\n  File \"/opt/dse/backends/null.py\", line 85, in _strike\n    raise RuntimeError(\"raised, as asked for\")\nRuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/bench.py\", line 141, in run\n    run(self.callers(setup), self.inputs, settings, logs)\n  File \"/opt/dse/dse/loadgen/harness.py\", line 64, in run\n    raise samples.errors[0]\ndse.loadgen.samples.PredictionError: RuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 185, in _stream_run\n    return _valid_run(bench, setup, settings, folder)\n           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 242, in _valid_run\n    log = read_detail(bench.run(setup, wanted, logs_of_try(folder, attempt)))\n                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 143, in run\n    raise failed(FailureKind.CRASH, error.__cause__ or error) from error\ndse.measure.failures.RunFailedError: RuntimeError: raised, as asked for", "attempts": 2, "key": "93edbcdcb5f2ec4e"}}');
INSERT INTO trial_user_attributes VALUES(13,5,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(14,5,'measurement:latency_p90_ms','{"metric": "latency_p90_ms", "value": 0.448048, "key": "15114e47c8a70274", "source": "measured", "validity": "probe", "run": "1-000004-1", "interval": null, "seconds": 1.123, "details": {"early_stopping_p90_ms": 0.450952, "mean_ms": 0.410207, "queries": 2427}}');
INSERT INTO trial_user_attributes VALUES(15,5,'measurement:throughput_samples_per_s','{"metric": "throughput_samples_per_s", "value": 2178.56, "key": "5953a86fc498a48b", "source": "measured", "validity": "probe", "run": "1-000004-1", "interval": null, "seconds": 1.58, "details": {"samples": 3346}}');
INSERT INTO trial_user_attributes VALUES(16,5,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "fp32", "backend": "onnxruntime", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false}');
INSERT INTO trial_user_attributes VALUES(17,5,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 44.116, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}, {"metric": "latency_p90_ms", "value": 0.448048, "key": "15114e47c8a70274", "source": "measured", "validity": "probe", "run": "1-000004-1", "interval": null, "seconds": 1.123, "details": {"early_stopping_p90_ms": 0.450952, "mean_ms": 0.410207, "queries": 2427}}, {"metric": "throughput_samples_per_s", "value": 2178.56, "key": "5953a86fc498a48b", "source": "measured", "validity": "probe", "run": "1-000004-1", "interval": null, "seconds": 1.58, "details": {"samples": 3346}}], "failure": null}');
INSERT INTO trial_user_attributes VALUES(18,6,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(19,6,'measurement:throughput_samples_per_s','{"metric": "throughput_samples_per_s", "value": 2191.24, "key": "68debf2368b64149", "source": "measured", "validity": "probe", "run": "1-000005-1", "interval": null, "seconds": 1.691, "details": {"samples": 3360}}');
INSERT INTO trial_user_attributes VALUES(20,6,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "fp32", "backend": "onnxruntime", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false}');
INSERT INTO trial_user_attributes VALUES(21,6,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 44.116, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}, {"metric": "latency_p90_ms", "value": 0.448048, "key": "15114e47c8a70274", "source": "measured", "validity": "probe", "run": "1-000004-1", "interval": null, "seconds": 1.123, "details": {"early_stopping_p90_ms": 0.450952, "mean_ms": 0.410207, "queries": 2427}}, {"metric": "throughput_samples_per_s", "value": 2191.24, "key": "68debf2368b64149", "source": "measured", "validity": "probe", "run": "1-000005-1", "interval": null, "seconds": 1.691, "details": {"samples": 3360}}], "failure": null}');
INSERT INTO trial_user_attributes VALUES(22,7,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(23,7,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(24,7,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 42.346, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "unsupported", "message": "refused, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 170, in _stream_run\n    call_s = bench.warm_up(setup)\n             ^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 111, in warm_up\n    return min(self._warm(caller, batch) for caller in self.callers(setup))\n                                                       ^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 80, in callers\n    self._load(setup, _cpus(setup, number))\n  File \"/opt/dse/dse/measure/bench.py\", line 94, in _load\n    model = self._runtime.load(request)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/backends/null.py\", line 52, in load\n    raise UnsupportedError(\"refused, as asked for\")\ndse.contract.UnsupportedError: refused, as asked for", "attempts": 1, "key": "be235702715ceb43"}}');
INSERT INTO trial_user_attributes VALUES(25,8,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(26,8,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(27,8,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 42.346, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "crash", "message": "RuntimeError: raised, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/loadgen/queries.py\", line 55, in answer\n    predict(bound[indices[0]])\n  File \"/opt/dse/backends/null.py\", line 74, in predict\n    _strike(self._fault)\n  File \"/opt/dse/backends/null.py\", line 85, in _strike\n    raise RuntimeError(\"raised, as asked for\")\nRuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/bench.py\", line 141, in run\n    run(self.callers(setup), self.inputs, settings, logs)\n  File \"/opt/dse/dse/loadgen/harness.py\", line 64, in run\n    raise samples.errors[0]\ndse.loadgen.samples.PredictionError: RuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 185, in _stream_run\n    return _valid_run(bench, setup, settings, folder)\n           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 242, in _valid_run\n    log = read_detail(bench.run(setup, wanted, logs_of_try(folder, attempt)))\n                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 143, in run\n    raise failed(FailureKind.CRASH, error.__cause__ or error) from error\ndse.measure.failures.RunFailedError: RuntimeError: raised, as asked for", "attempts": 2, "key": "770e2e02f8dbce6d"}}');
INSERT INTO trial_user_attributes VALUES(28,9,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(29,9,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(30,9,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 42.346, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "unsupported", "message": "refused, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 170, in _stream_run\n    call_s = bench.warm_up(setup)\n             ^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 111, in warm_up\n    return min(self._warm(caller, batch) for caller in self.callers(setup))\n                                                       ^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 80, in callers\n    self._load(setup, _cpus(setup, number))\n  File \"/opt/dse/dse/measure/bench.py\", line 94, in _load\n    model = self._runtime.load(request)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/backends/null.py\", line 52, in load\n    raise UnsupportedError(\"refused, as asked for\")\ndse.contract.UnsupportedError: refused, as asked for", "attempts": 0, "key": "be235702715ceb43"}}');
INSERT INTO trial_user_attributes VALUES(31,10,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(32,10,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(33,10,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 42.346, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}], "failure": {"kind": "crash", "message": "RuntimeError: raised, as asked for", "stderr_tail": "Traceback (most recent call last):\n  File \"/opt/dse/dse/loadgen/queries.py\", line 55, in answer\n    predict(bound[indices[0]])\n  File \"/opt/dse/backends/null.py\", line 74, in predict\n    _strike(self._fault)\n  File \"/opt/dse/backends/null.py\", line 85, in _strike\n    raise RuntimeError(\"raised, as asked for\")\nRuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/bench.py\", line 141, in run\n    run(self.callers(setup), self.inputs, settings, logs)\n  File \"/opt/dse/dse/loadgen/harness.py\", line 64, in run\n    raise samples.errors[0]\ndse.loadgen.samples.PredictionError: RuntimeError: raised, as asked for\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/opt/dse/dse/measure/worker.py\", line 74, in _work\n    for measurement in _measure(spec):\n  File \"/opt/dse/dse/measure/worker.py\", line 114, in _measure\n    yield from take(found, spec)\n  File \"/opt/dse/dse/measure/runs.py\", line 63, in take\n    taken = TAKERS[task.metric](bench, spec.folder)\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 127, in _take_latency\n    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / \"single_stream\")\n          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 185, in _stream_run\n    return _valid_run(bench, setup, settings, folder)\n           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/runs.py\", line 242, in _valid_run\n    log = read_detail(bench.run(setup, wanted, logs_of_try(folder, attempt)))\n                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/opt/dse/dse/measure/bench.py\", line 143, in run\n    raise failed(FailureKind.CRASH, error.__cause__ or error) from error\ndse.measure.failures.RunFailedError: RuntimeError: raised, as asked for", "attempts": 2, "key": "770e2e02f8dbce6d"}}');
INSERT INTO trial_user_attributes VALUES(34,11,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(35,11,'measurement:latency_p90_ms','{"metric": "latency_p90_ms", "value": 0.424453, "key": "9c3fd05fd29496e4", "source": "measured", "validity": "probe", "run": "1-000010-1", "interval": null, "seconds": 1.092, "details": {"early_stopping_p90_ms": 0.431503, "mean_ms": 0.385006, "queries": 2584}}');
INSERT INTO trial_user_attributes VALUES(36,11,'measurement:throughput_samples_per_s','{"metric": "throughput_samples_per_s", "value": 2593.29, "key": "050e8aed843420a2", "source": "measured", "validity": "probe", "run": "1-000010-1", "interval": null, "seconds": 1.425, "details": {"samples": 3575}}');
INSERT INTO trial_user_attributes VALUES(37,11,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "int8", "backend": "onnxruntime", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false}');
INSERT INTO trial_user_attributes VALUES(38,11,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 42.346, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}, {"metric": "latency_p90_ms", "value": 0.424453, "key": "9c3fd05fd29496e4", "source": "measured", "validity": "probe", "run": "1-000010-1", "interval": null, "seconds": 1.092, "details": {"early_stopping_p90_ms": 0.431503, "mean_ms": 0.385006, "queries": 2584}}, {"metric": "throughput_samples_per_s", "value": 2593.29, "key": "050e8aed843420a2", "source": "measured", "validity": "probe", "run": "1-000010-1", "interval": null, "seconds": 1.425, "details": {"samples": 3575}}], "failure": null}');
INSERT INTO trial_user_attributes VALUES(39,12,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(40,12,'measurement:throughput_samples_per_s','{"metric": "throughput_samples_per_s", "value": 2665.6, "key": "87c66166f692d44f", "source": "measured", "validity": "probe", "run": "1-000011-1", "interval": null, "seconds": 1.627, "details": {"samples": 3952}}');
INSERT INTO trial_user_attributes VALUES(41,12,'configuration','{"model": "mobilenet-v1-0.25-128", "precision": "int8", "backend": "onnxruntime", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false}');
INSERT INTO trial_user_attributes VALUES(42,12,'outcome','{"measurements": [{"metric": "accuracy_percent", "value": 42.346, "key": "published", "source": "published", "validity": "probe", "run": "", "interval": null, "seconds": 0.0, "details": {"source": "MLPerf Inference v3.0, edge/open, cTuning, amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"}}, {"metric": "latency_p90_ms", "value": 0.424453, "key": "9c3fd05fd29496e4", "source": "measured", "validity": "probe", "run": "1-000010-1", "interval": null, "seconds": 1.092, "details": {"early_stopping_p90_ms": 0.431503, "mean_ms": 0.385006, "queries": 2584}}, {"metric": "throughput_samples_per_s", "value": 2665.6, "key": "87c66166f692d44f", "source": "measured", "validity": "probe", "run": "1-000011-1", "interval": null, "seconds": 1.627, "details": {"samples": 3952}}], "failure": null}');
INSERT INTO trial_user_attributes VALUES(43,13,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(44,13,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(45,13,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 fp32 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(46,14,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(47,14,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(48,14,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 fp32 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(49,15,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(50,15,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(51,15,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 fp32 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(52,16,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(53,16,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "fp32", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(54,16,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 fp32 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(55,17,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(56,17,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(57,17,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 int8 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(58,18,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(59,18,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 1, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(60,18,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 int8 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(61,19,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(62,19,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "refuse"}');
INSERT INTO trial_user_attributes VALUES(63,19,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 int8 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
INSERT INTO trial_user_attributes VALUES(64,20,'owner','{"host": "old.example", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[4026531836]", "pid": 24399, "started": 2301856}');
INSERT INTO trial_user_attributes VALUES(65,20,'configuration','{"model": "mobilenet-v2-0.35-96", "precision": "int8", "backend": "null", "threads": 1, "batch_size": 8, "instances": 1, "pinned": false, "fault": "raise"}');
INSERT INTO trial_user_attributes VALUES(66,20,'outcome','{"measurements": [], "failure": {"kind": "unsupported", "message": "no accuracy of mobilenet-v2-0.35-96 int8 is published", "stderr_tail": "", "attempts": 0, "key": ""}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_system_attributes VALUES(1,5,'constraints:latency_p90_ms.max','-49.551952');
INSERT INTO trial_system_attributes VALUES(2,6,'constraints:latency_p90_ms.max','-49.551952');
INSERT INTO trial_system_attributes VALUES(3,11,'constraints:latency_p90_ms.max','-49.575547');
INSERT INTO trial_system_attributes VALUES(4,12,'constraints:latency_p90_ms.max','-49.575547');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_params VALUES(1,1,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(2,1,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(3,1,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(4,1,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(5,1,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(6,1,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(7,1,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(8,1,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(9,2,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(10,2,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(11,2,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(12,2,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(13,2,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(14,2,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(15,2,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(16,2,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(17,3,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(18,3,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(19,3,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(20,3,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(21,3,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(22,3,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(23,3,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(24,3,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(25,4,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(26,4,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(27,4,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(28,4,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(29,4,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(30,4,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(31,4,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(32,4,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(33,5,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(34,5,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(35,5,'backend',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(36,5,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(37,5,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(38,5,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(39,5,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(40,6,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(41,6,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(42,6,'backend',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(43,6,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(44,6,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(45,6,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(46,6,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(47,7,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(48,7,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(49,7,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(50,7,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(51,7,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(52,7,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(53,7,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(54,7,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(55,8,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(56,8,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(57,8,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(58,8,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(59,8,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(60,8,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(61,8,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(62,8,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(63,9,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(64,9,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(65,9,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(66,9,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(67,9,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(68,9,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(69,9,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(70,9,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(71,10,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(72,10,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(73,10,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(74,10,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(75,10,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(76,10,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(77,10,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(78,10,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(79,11,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(80,11,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(81,11,'backend',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(82,11,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(83,11,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(84,11,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(85,11,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(86,12,'model',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(87,12,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(88,12,'backend',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(89,12,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(90,12,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(91,12,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(92,12,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(93,13,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(94,13,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(95,13,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(96,13,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(97,13,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(98,13,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(99,13,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(100,13,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(101,14,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(102,14,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(103,14,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(104,14,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(105,14,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(106,14,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(107,14,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(108,14,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(109,15,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(110,15,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(111,15,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(112,15,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(113,15,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(114,15,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(115,15,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(116,15,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(117,16,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(118,16,'precision',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(119,16,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(120,16,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(121,16,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(122,16,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(123,16,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(124,16,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(125,17,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(126,17,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(127,17,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(128,17,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(129,17,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(130,17,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(131,17,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(132,17,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(133,18,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(134,18,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(135,18,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(136,18,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(137,18,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(138,18,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(139,18,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(140,18,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(141,19,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(142,19,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(143,19,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(144,19,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(145,19,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(146,19,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(147,19,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(148,19,'null.fault',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
INSERT INTO trial_params VALUES(149,20,'model',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["mobilenet-v1-0.25-128", "mobilenet-v2-0.35-96"]}}');
INSERT INTO trial_params VALUES(150,20,'precision',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fp32", "int8"]}}');
INSERT INTO trial_params VALUES(151,20,'backend',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["null", "onnxruntime"]}}');
INSERT INTO trial_params VALUES(152,20,'threads',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(153,20,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 8]}}');
INSERT INTO trial_params VALUES(154,20,'instances',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO trial_params VALUES(155,20,'pinned',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [false]}}');
INSERT INTO trial_params VALUES(156,20,'null.fault',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["refuse", "raise"]}}');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_values VALUES(1,5,0,44.115999999999999658,'FINITE');
INSERT INTO trial_values VALUES(2,5,1,0.44804800000000000181,'FINITE');
INSERT INTO trial_values VALUES(3,5,2,2178.5599999999999453,'FINITE');
INSERT INTO trial_values VALUES(4,6,0,44.115999999999999658,'FINITE');
INSERT INTO trial_values VALUES(5,6,1,0.44804800000000000181,'FINITE');
INSERT INTO trial_values VALUES(6,6,2,2191.2399999999997816,'FINITE');
INSERT INTO trial_values VALUES(7,11,0,42.345999999999996534,'FINITE');
INSERT INTO trial_values VALUES(8,11,1,0.42445300000000002471,'FINITE');
INSERT INTO trial_values VALUES(9,11,2,2593.2899999999999636,'FINITE');
INSERT INTO trial_values VALUES(10,12,0,42.345999999999996534,'FINITE');
INSERT INTO trial_values VALUES(11,12,1,0.42445300000000002471,'FINITE');
INSERT INTO trial_values VALUES(12,12,2,2665.5999999999999089,'FINITE');
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('v3.2.0.a');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;

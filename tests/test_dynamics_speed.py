"""Claim TD-18: how it is measured, on a shape small enough to be quick; no time is asserted."""


def little():
    from bothways.studies.dynamics_runs import shape

    return shape(1, 20, 1)


def test_a_step_is_the_default_run_s(tmp_path, monkeypatch):
    """Its own loop takes it, one after another, and 64 sentences of three tokens are counted."""
    from bothways.studies import dynamics_speed

    taken, take = [], dynamics_speed.Lesson.take
    monkeypatch.setattr(dynamics_speed.Lesson, "take", lambda lesson, n: (taken.append(n), take(lesson, n)))
    step, tokens = dynamics_speed.released_step(0, tmp_path, "fp32", little())
    step()
    step()
    assert ([0, 1], 192) == (taken, tokens)


def test_speed_is_tokens_over_processor_seconds(monkeypatch):
    """Every timed step counts, the first one does not; here each takes a second."""
    from bothways.studies import dynamics_speed

    seconds = [0.0]

    def step():
        seconds[0] += 1.0

    monkeypatch.setattr(dynamics_speed, "released_step", lambda *_: (step, 192))
    monkeypatch.setattr(dynamics_speed.time, "process_time", lambda: seconds[0])
    assert {"tokens_per_second": 192.0} == dynamics_speed.tokens_per_second(0)
    assert 1 + dynamics_speed.TIMED == seconds[0]


def test_only_the_full_study_times_it():
    """The quick one says which command would; three times the released speed are asked of the full one."""
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence
    from bothways.studies.training_dynamics import TrainingDynamics

    study = TrainingDynamics()
    assert {} == study.computations(quick=True)
    (name,) = study.computations(quick=False)
    quick, full = (next(c for c in study.claims(q) if c.id == "TD-18") for q in (True, False))
    assert () == quick.parts and "python -m bench dynamics" in quick.why
    for speed, verdict in ((1000.0, "reproduced"), (60.0, "contradicted")):
        row = decide(full, Evidence({}, {name: [{"tokens_per_second": speed + n} for n in range(3)]}), "")
        assert verdict == row.parts[0].verdict

"""The option --scenario where it means nothing, and what a study says of it."""

import pytest

from spikemeta.errors import UserError
from spikemeta.runs import scale, study


def test_scenario_of_other_tasks():
    with pytest.raises(UserError, match="--scenario task is of --task split, not of items"):
        study.check(study.SimulationOptions(task="items", scenario="task"))


def test_scenario_decides_the_curriculum():
    plain, told = (study.SimulationOptions(scenario=scenario) for scenario in ("domain", "task"))
    assert scale.curriculum_arguments(told, "test") == scale.curriculum_arguments(plain, "test") | {"scenario": "task"}
    assert study.settings(told)["scenario"] == "task"

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


@pytest.mark.parametrize(
    ("task", "scenario", "named"), [("split", "domain", {"scenario": "domain"}), ("permuted", "domain", {})]
)
def test_split_tasks_name_their_scenario_even_the_usual_one(task, scenario, named):
    assert scale.scenario_of(study.SimulationOptions(task=task, scenario=scenario)) == named


@pytest.mark.parametrize(("scenario", "words"), [("domain", ("split",)), ("class", ("split", "class"))])
def test_the_folder_says_what_is_not_usual(scenario, words):
    options = study.SimulationOptions(scenario=scenario)
    assert scale.tasks_of(options) == words
    assert scale.tasks_of(options, always=True) == ("split", scenario)

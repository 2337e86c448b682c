"""A simulation in a thread, two at once, and one in the midst of a user's own Brian2 script: nothing is disturbed."""

import json
import subprocess
import sys

import numpy as np

from spikemeta.data import curricula, datasets
from spikemeta.language import registry
from spikemeta.simulation.simulation import Simulation

#: Brian2 is first imported in a thread. Two threads simulate at once, compiled and at runtime; then a user's standalone
#: network is made, simulations of both kinds come between, and it still runs; and so does one at runtime, random numbers too.
SCRIPT = """
import json, sys, threading
sys.path.insert(0, {folder!r})
found = {{}}
def simulate(name, mode):
    from test_threads import results
    found[name] = results(mode)
threads = [threading.Thread(target=simulate, args=(mode, mode)) for mode in ("standalone", "runtime")]
for thread in threads: thread.start()
for thread in threads: thread.join()
from brian2 import *
import numpy
set_device("cpp_standalone", directory="own")
prefs.core.default_float_dtype = numpy.float32
defaultclock.dt = 0.5*ms
group = NeuronGroup(1, "dx/dt = 1/second : 1", method="euler")
for mode in ("standalone", "runtime"): simulate(f"between {{mode}}", mode)
run(100*ms)
found["x"] = float(group.x[0]), str(group.x[:].dtype), get_device() is all_devices["cpp_standalone"]
set_device("runtime")
prefs.codegen.target = "numpy"
seed(3)
random = NeuronGroup(1, "x : 1", name="random")
random.run_regularly("x = rand()", dt=1*ms)
network = Network(random)
network.run(1*ms)
simulate("last", "runtime")
network.run(1*ms)
seed(3)
found["random"] = float(random.x[0]), float(numpy.random.rand(2)[1]), prefs.codegen.target
print(json.dumps(found))
"""


def results(mode):
    """Spike counts and final weights of a toy run."""
    curriculum = curricula.build("split", datasets.load("digits"), n_tasks=2, limit=5, test_limit=2)
    small = {"n_hidden": 8, "network_parameters": {"presentation": 40.0, "hidden_spread": 0.3, "readout_spread": 1.0}}
    run = Simulation(registry.get_rule("mesu"), mode=mode, **small).run(curriculum, seed=0)
    return [phase.counts.tolist() for phase in run.phases], run.weights["readout"].tolist()


def test_threads_and_a_users_own_device(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(folder=str(__file__).rpartition("/")[0]))
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for mode in ("standalone", "runtime"):
        alone = json.loads(json.dumps(results(mode)))
        assert found[mode] == alone  # to the bit
        assert found[f"between {mode}"] == alone
    assert found["last"] == found["runtime"]
    value, kind, own = found["x"]
    np.testing.assert_allclose(value, 0.1, rtol=1e-5)  # 200 steps of 0.5 ms in float32
    assert (kind, own) == ("float32", True)
    assert found["random"][0] == np.float32(found["random"][1])  # the second of its seed
    assert found["random"][2] == "numpy"

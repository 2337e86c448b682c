"""A profile made from another one: the memristor with a single device per weight. A search used it; an example of your own."""

from dataclasses import replace

from spikemeta.hardware import profile
from spikemeta.hardware.profile import Quantity

count = Quantity(1, "device", "Zohora et al.'s smallest number of devices per weight (n_mem of their code)")
weight = replace(profile.get("memristor").weight, count=count)
hardware = replace(profile.get("memristor"), name="memristor_1", weight=weight)

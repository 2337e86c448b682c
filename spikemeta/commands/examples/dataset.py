"""NAME: two classes, a bright left and a bright right half of 4 x 4 pixels."""

import hashlib

import numpy as np

from spikemeta.data.dataset import Dataset

# In the folder spikemeta/data/sets/ of a checkout it is found by its name:
#     spikemeta run forgetting --dataset NAME --task joint
# Data of your own need no such file: --dataset takes the path of a .npz file or of a folder of images.


def dataset(folder=None):
    """Forty images to learn and ten to test; ``folder`` is where files would be looked for."""
    arrays = {}
    for part, n in (("train", 40), ("test", 10)):
        labels = np.arange(n, dtype=np.int32) % 2
        images = np.zeros((n, 4, 4), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 2 * label : 2 * label + 2] = 255
        arrays |= {f"{part}_images": images.reshape(n, 16), f"{part}_labels": labels}
    digests = {part: hashlib.sha256(array.tobytes()).hexdigest() for part, array in arrays.items()}
    return Dataset(name="NAME", shape=(4, 4), digests=digests, **arrays)

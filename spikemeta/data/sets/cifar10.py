"""CIFAR-10: 60,000 photographs of ten classes, 32 x 32 in colour (Krizhevsky 2009).

From the official binary archive, or from an archive or folder of JPEG images in ``train/CLASS/`` and ``test/CLASS/``,
whose pixels are not those of the official file: the digests in provenance tell which it was.
"""

from spikemeta.data.formats import cifar

dataset = cifar.Records(
    name="cifar10",
    file="cifar-10-binary.tar.gz",
    digest="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    labels=1,
    members={"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)},
    names="batches.meta.txt",
)

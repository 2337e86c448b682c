"""CIFAR-100: 60,000 photographs of a hundred (fine) classes, 32 x 32 in colour (Krizhevsky 2009)."""

from spikemeta.data.formats import cifar

dataset = cifar.Records(
    name="cifar100",
    file="cifar-100-binary.tar.gz",
    digest="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    labels=2,
    members={"train": ("train.bin",), "test": ("test.bin",)},
    names="fine_label_names.txt",
)

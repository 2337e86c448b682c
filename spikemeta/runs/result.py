"""A study from Python: `run` it, and look at what it left: a table, arrays, figures."""

import base64
import contextlib
import dataclasses
import hashlib
import io
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np

from spikemeta.data import datasets
from spikemeta.data.dataset import Dataset
from spikemeta.errors import UserError, suggest
from spikemeta.figures import style
from spikemeta.language import registry
from spikemeta.language.rule import Rule
from spikemeta.runs import display
from spikemeta.system import compiler
from spikemeta.system.files import atomic, read_json


def run(study, *, quiet=False, **options):
    """Run a study, as ``spikemeta run STUDY`` does.

    Parameters
    ----------
    study : str
        Its name; ``spikemeta list studies`` names all.
    quiet : bool
        Print nothing: no progress, no table.
    **options
        As on the command line, with ``_`` for ``-``: ``seeds=3``, ``engine="torch"``. ``rules`` may be a list of names, paths
        and `Rule` objects, ``dataset`` a `Dataset`. ``workers`` is 1 unless it is given: several need a script that can be
        imported, with ``if __name__ == "__main__":`` around what it does.

    Returns
    -------
    Result

    Raises
    ------
    UserError
        For an unknown study, options that do not exist or make no sense, an output folder that is not ours to write, or if
        every run failed.
    """
    from rich.console import Console

    found = registry.load("studies", study)
    fields = {field.name: field for field in dataclasses.fields(found.options)}
    unknown = [suggest(f"option of study {study!r}", name, fields) for name in options if name not in fields]
    if unknown:
        raise UserError("\n".join(unknown))
    if "workers" in fields:
        options = {"workers": 1} | options
    values = {name: _plain(name, value, isinstance(fields[name].default, tuple)) for name, value in options.items()}
    with display.collected() as folders:
        code = found.run(found.options(**values), Console(quiet=quiet))
    return Result(folders[-1], code)


class Result:
    """What a finished study left in its folder. A notebook shows its table and figures.

    Parameters
    ----------
    folder : str or Path
        Output folder of a study.
    code : int
        Exit code: 2 if some of it failed.

    Raises
    ------
    UserError
        If the folder holds no finished study.
    """

    def __init__(self, folder, code=0):
        self.folder, self.code = Path(folder), code
        if not (self.folder / "summary.json").is_file():
            raise UserError(f"{self.folder} holds no finished study: there is no summary.json")
        self.head = read_json(self.folder / "summary.json")

    @property
    def failures(self):
        """A message for each run that failed."""
        return list(self.head.get("failures", ()))

    @property
    def warnings(self):
        """What a reader should know before believing the table."""
        return list(self.head.get("warnings", ()))

    @cached_property
    def summary(self):
        """Metrics as a pandas.DataFrame: a row for each of the study's, indexed by its label.

        Each metric is its mean over seeds, with a column ``METRIC_sd`` beside it; accuracies are fractions. Metrics that are
        no single number, such as an accuracy matrix, are in `dataset`.
        """
        import pandas

        rows, labels = [], []
        for row in self.head.get("rows", ()):
            cells = {name: row[name] for name in ("condition", "hardware", "needs_boundary") if row.get(name) is not None}
            cells["seeds"] = len(row.get("seeds", ()))
            for name, metric in row.get("metrics", {}).items():
                if isinstance(metric, dict) and isinstance(metric.get("mean"), (int, float)):
                    cells |= {name: metric["mean"], f"{name}_sd": metric.get("std")}
            rows.append(cells)
            labels.append(row.get("rule"))
        return pandas.DataFrame(rows, index=pandas.Index(labels, name="rule"))

    @cached_property
    def dataset(self):
        """Everything measured as an xarray.Dataset, by rule and seed.

        Raises
        ------
        UserError
            For a study that keeps none.
        """
        import xarray

        path = self.folder / "results.nc"
        if not path.is_file():
            raise UserError(f"{self.folder} holds no results.nc: this study keeps its numbers in summary.json alone")
        return xarray.load_dataset(path)

    @property
    def figures(self):
        """Paths of the figures, as PNG, by name."""
        return {path.stem: path for path in sorted((self.folder / "figures").glob("[!.]*.png"))}

    def __repr__(self):
        return (
            f"<{self.head.get('study', 'study')} in {self.folder}: {len(self.summary)} rows, figures {', '.join(self.figures)}>"
        )

    def _repr_html_(self):
        shown = [f"<p>{escape(str(self.folder))}</p>", self.summary.to_html(float_format=lambda value: f"{value:.3f}")]
        shown += [f"<p>{escape(text)}</p>" for text in [*self.warnings, *self.failures]]
        for path in self.figures.values():
            data = base64.b64encode(path.read_bytes()).decode()
            shown.append(
                f'<img alt="{escape(style.read_words(path))}" style="max-width: 100%" src="data:image/png;base64,{data}">'
            )
        return "\n".join(shown)


def _plain(name, value, several):
    """A value of an option as the command line would give it."""
    if name == "rules" and not isinstance(value, str):
        return ",".join(map(_rule, [value] if isinstance(value, (Rule, Path)) else value))
    if name == "dataset" and isinstance(value, Dataset):
        return _data(value)
    if isinstance(value, Path):
        return str(value)
    if several:
        return (value,) if isinstance(value, str) else tuple(value)
    return value


def _rule(rule):
    """Name or path of a rule, for workers to load; one that was made here is written to a file first."""
    if not isinstance(rule, Rule):
        return str(rule)
    with contextlib.suppress(UserError):
        if registry.get_rule(rule.title) == rule:
            return rule.title
    text = f'"""{rule.name}, as it was given to spikemeta.run."""\n\nfrom math import inf, nan\n\nimport numpy as np\n\n'
    text += "from spikemeta.language.rule import Parameter, Rule\n\n"
    text += f"rule = {rule!r}" + (f".with_constants({rule.constants_file!r})" if rule.constants_file else "") + "\n"
    return str(_kept(f"{rule.title}.py", text.encode()))


def _data(data):
    """Name or path of a data set; one that was made here is written to a file first."""
    if (data.name in datasets.names() or data.name.startswith("tonic:")) and datasets.load(data.name).digests == data.digests:
        return data.name
    if data.spikes:
        raise UserError(f"data set {data.name!r} holds spikes: give the path of their file, not the data set")
    arrays = {}
    for part in ("train", "test"):
        images = data.pictures(getattr(data, f"{part}_images"))
        arrays[f"{part}_images"] = images if data.planes > 1 else images[:, 0]
        arrays[f"{part}_labels"] = getattr(data, f"{part}_labels")
    if data.class_names:
        arrays["class_names"] = np.array(data.class_names)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return str(_kept(f"{Path(data.name.strip('/')).stem or 'data'}.npz", stream.getvalue()))


def _kept(name, content):
    """Path of a file of this content in the cache."""
    path = compiler.cache_folder().parent / "given" / hashlib.sha256(content).hexdigest()[:16] / name
    if not path.is_file():
        with atomic(path) as temporary:
            temporary.write_bytes(content)
    return path

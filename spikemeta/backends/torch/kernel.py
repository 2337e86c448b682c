"""A rule's update as one pass over the parameters of a CPU: C++ written from the rule's text, compiled once and cached.

What depends on no synapse is computed once a call, in double precision; the rest is one loop, in the parameters' kind, that
reads and writes every array once. Weight noise is drawn in the same pass from a counter, so that no generator's state is kept.
"""

import ast
import ctypes
import functools
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spikemeta.backends.torch.source import averaged, decay_statements, decays_of, own_state, product_name
from spikemeta.language.equations import names_in
from spikemeta.system import compiler

ZERO = "real(0.0)"
BLOCK = 1024  # synapses whose noise is drawn together
PART = 64  # synapses of a block whose noise is drawn between two requests to memory
_SHARE = 1 << 17  # synapses from which a second thread pays
#: No -ffast-math: it would write x + x*small as x*(1 + small), which is x in float32; infinities are kept too.
_FLAGS = "-std=c++17 -O3 -march=native -fno-math-errno -fno-trapping-math -fno-signed-zeros -freciprocal-math".split()
_FLAGS += ["-D__FAST_MATH__", "-fPIC", "-shared"]
_WIDE = ["-mprefer-vector-width=512"]  # of x86 alone

#: Uniform and normal numbers as functions of a key and the synapse's number, to 24 bits. The mixing function is lowbias32
#: (Wellons 2018, "Prospecting for hash functions"), keyed twice; normal: Box & Muller 1958, Ann. Math. Statist. 29, 610, both
#: of a pair; logarithm and sine by polynomials fitted at Chebyshev nodes, which err by at most 2e-6 of the number drawn.
HEAD = f"""
#include <cmath>
#include <cstdint>
#include <cstring>
#define BLOCK {BLOCK}
#define PART {PART}
"""
HEAD += """
struct Key { uint32_t a, b; };
static inline uint32_t mixed(uint32_t x, const Key k) {
    x += k.a; x ^= x >> 16; x *= 0x7feb352dU; x ^= k.b; x ^= x >> 15; x *= 0x846ca68bU; return x ^ (x >> 16);
}
static inline float fraction(const uint32_t x) { return (float)(int32_t)(x >> 8)*(1.0f/16777216); }
static inline float logarithm(const float u) {
    int32_t bits; memcpy(&bits, &u, 4);
    const int32_t exponent = (bits - 0x3f3504f3) >> 23;
    bits -= (int32_t)((uint32_t)exponent << 23);
    float m; memcpy(&m, &bits, 4);
    m -= 1.0f;
    float p = 0.11931054f;
    p = p*m - 0.18680751f; p = p*m + 0.2049176f; p = p*m - 0.24908289f; p = p*m + 0.33314674f; p = p*m - 0.50001145f;
    return m*(p*m + 1.00000096f) + (float)exponent*0.69314718f;
}
static inline float sine(const float turns) {
    const float z = turns*turns;
    return turns*(6.28318054f + z*(-41.33925387f + z*(81.40833659f - z*71.6111943f)));
}
template <class real> static void draw_randn(real* __restrict out, const int64_t block, const Key key, const int part) {
    const Key other = {key.b ^ 0x9E3779B9U, key.a ^ 0x85EBCA6BU};
    for (int j = part/2; j < part/2 + PART/2; j++) {
        const uint32_t i = (uint32_t)(block*(BLOCK/2) + j);
        const float radius = sqrtf(-2*logarithm(fraction(mixed(i, key)) + 0.5f/16777216));
        const float q = fraction(mixed(i, other)) - 0.5f;
        const float folded = q > 0.25f ? 0.5f - q : q < -0.25f ? -0.5f - q : q;
        out[j] = (real)(radius*sine(0.25f - fabsf(q)));
        out[j + BLOCK/2] = (real)(radius*sine(folded));
    }
}
template <class real> static void draw_rand(real* __restrict out, const int64_t block, const Key key, const int part) {
    for (int j = part; j < part + PART; j++) out[j] = (real)fraction(mixed((uint32_t)(block*BLOCK + j), key));
}
template <class T> static inline T sign(const T x) { return (T)((x > 0) - (x < 0)); }
template <class T> static inline T clip(const T x, const T low, const T high) {
    const T above = x < low ? low : x;
    return above > high ? high : above;
}
template <class T> static inline T modulo(const T x, const T y) { return x - y*std::floor(x/y); }
template <class T>
static void average(const int64_t start, const int64_t stop, void** a, const double*, const uint32_t*, const int64_t n,
                    const int64_t samples) {
    const T* gradients = (const T*)a[0];
    const T* noise = (const T*)a[1];
    T* __restrict mean = (T*)a[2];
    T* __restrict product = (T*)a[3];
    for (int64_t b = start; b < stop; b += BLOCK) {
        const int64_t m = stop - b < BLOCK ? stop - b : BLOCK;
        T g[BLOCK] = {0}, gn[BLOCK] = {0};
        for (int64_t s = 0; s < samples; s++) {
            const T* __restrict x = gradients + s*n + b;
            const T* __restrict y = noise + s*n + b;
            for (int64_t j = 0; j < m; j++) { g[j] += x[j]; gn[j] += x[j]*y[j]; }
        }
        for (int64_t j = 0; j < m; j++) { mean[b + j] = g[j]/samples; product[b + j] = gn[j]/samples; }
    }
}
"""


class _Writer:
    """Writes statements as the body of one loop; what depends on no array goes before the loop."""

    def __init__(self, arrays):
        self.arrays = set(arrays)
        self.used, self.head, self.body, self.locals, self.draws = set(), [], [], [], []
        self.zero = set()
        self.scalar = {}  # temporaries that are numbers, by the name they have before the loop
        self.kept = {}
        self.inverse_root = {}  # 1/sqrt(x) of each array x whose root is taken: a division by x takes it twice

    def is_array(self, node):
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return bool(names & (self.arrays | {"rand", "randn"}))

    def expression(self, text):
        node = ast.parse(text.strip(), mode="eval").body
        self._roots(node)
        return self.visit(node, "real")

    def _roots(self, node):
        """Compute the roots that an expression takes, once; a second division costs as much as a root."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and call.func.id == "sqrt" and isinstance(call.args[0], ast.Name):
                name = call.args[0].id
                if name in self.arrays and name not in self.inverse_root and name not in self.zero:
                    self.used.add(name)
                    self.inverse_root[name] = f"inverse_root{len(self.body)}"
                    self.body.append(f"const real {self.inverse_root[name]} = real(1)/std::sqrt({name}_);")

    def visit(self, node, kind):
        if kind == "real" and not self.is_array(node):
            if isinstance(node, ast.Constant):
                return f"real({float(node.value)!r})"
            text = self.visit(node, "double")
            if text not in self.kept:
                self.kept[text] = f"number{len(self.kept)}"
                self.head.append(f"const real {self.kept[text]} = (real)({text});")
            return self.kept[text]
        return getattr(self, f"visit_{type(node).__name__}")(node, kind)

    def visit_Constant(self, node, kind):
        return f"{kind}({float(node.value)!r})"

    def visit_Name(self, node, kind):
        special = {"inf": "INFINITY", "pi": "M_PI", "presentation": "1.0"}
        self.used.add(node.id)
        if node.id in self.zero:
            return ZERO
        return self.scalar.get(node.id) or special.get(node.id) or f"{node.id}_"

    def visit_UnaryOp(self, node, kind):
        x = self.visit(node.operand, kind)
        return {"UAdd": f"{x}", "USub": f"(-{x})", "Not": f"{kind}({x} == 0)"}[type(node.op).__name__]

    def visit_BinOp(self, node, kind):
        power = node.right.value if isinstance(node.right, ast.Constant) else None
        a = self.visit(node.left, kind)
        if isinstance(node.op, ast.Div) and kind == "real" and a != ZERO:
            of = node.right.args[0] if isinstance(node.right, ast.Call) and node.right.func.id == "sqrt" else node.right
            inverse = self.inverse_root.get(of.id) if isinstance(of, ast.Name) else None
            if inverse:
                return f"({a}*{inverse})" if of is not node.right else f"({a}*({inverse}*{inverse}))"
            if isinstance(of, ast.BinOp) and isinstance(of.op, ast.Mult):  # a/(b*c) is a/b/c
                return self.visit(ast.BinOp(ast.BinOp(node.left, ast.Div(), of.left), ast.Div(), of.right), kind)
        if isinstance(node.op, ast.Pow) and power in (2, 3):
            return "(" + "*".join([a] * power) + ")"
        b = self.visit(node.right, kind)
        if ZERO in (a, b) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
            if isinstance(node.op, (ast.Mult, ast.Div)):
                return ZERO
            if b == ZERO or isinstance(node.op, ast.Add):
                return a if b == ZERO else b
        forms = {"Pow": f"std::pow({a}, {b})", "FloorDiv": f"std::floor({a}/{b})", "Mod": f"modulo<{kind}>({a}, {b})"}
        symbol = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/"}
        operator = type(node.op).__name__
        return forms[operator] if operator in forms else f"({a} {symbol[operator]} {b})"

    def visit_Compare(self, node, kind):
        symbol = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="}[type(node.ops[0]).__name__]
        return f"{kind}({self.visit(node.left, kind)} {symbol} {self.visit(node.comparators[0], kind)})"

    def visit_BoolOp(self, node, kind):
        symbol = " && " if isinstance(node.op, ast.And) else " || "
        return f"{kind}({symbol.join(f'({self.visit(v, kind)} != 0)' for v in node.values)})"

    def visit_Call(self, node, kind):
        name = node.func.id
        if name in ("rand", "randn"):
            self.draws.append(name)
            return f"drawn{len(self.draws) - 1}[j]"
        arguments = ", ".join(self.visit(a, kind) for a in node.args)
        names = {"abs": "std::abs", "int": "std::trunc", "clip": f"clip<{kind}>", "sign": f"sign<{kind}>"}
        return f"{names.get(name, f'std::{name}')}({arguments})"

    def statements(self, pairs, quiet=False):
        """Assignments (target, expression); ``quiet``: draws are at their middle."""
        for target, text in pairs:
            if quiet:
                text = text.replace("randn()", "0.0").replace("rand()", "0.5")
            node = ast.parse(text.strip(), mode="eval").body
            if self.is_array(node) or target in self.arrays:
                self._roots(node)
                value = self.visit(node, "real")
                self.inverse_root.pop(target, None)
                if target not in self.arrays:
                    self.arrays.add(target)
                    self.locals.append(target)
                    self.scalar.pop(target, None)
                self.zero.discard(target)
                self.body.append(f"{target}_ = {value};")
                if value == ZERO:
                    self.zero.add(target)
            else:
                name = f"{target}_{len(self.head)}_"
                self.head.append(f"const double {name} = {self.visit(node, 'double')};")
                self.scalar[target] = name


class _Kernel:
    """One function of a rule: its C++ and the order of its arrays.

    Parameters
    ----------
    rule : Rule
    name : str
    own : str or None
        The state variable that is the parameter itself.
    inputs : list of str
        Arrays that are read besides the state.
    """

    def __init__(self, rule, name, own, inputs, restored=False):
        self.rule, self.name, self.own = rule, name, own
        self.arrays = ["p", *inputs, *[s for s in rule.analysis.states if s != own]]
        self.source = "old" if restored else "p"
        self.writer = _Writer([*inputs, *rule.analysis.states])

    def finish(self, changed, result, after=()):
        """The C++ text: what was written so far, then ``changed`` state is stored, then ``after``, then ``p = result``."""
        w = self.writer
        w.body += [f"{s}_at[i] = {s}_;" for s in self.rule.analysis.states if s in changed and s != self.own]
        w.statements(after, quiet=True)
        w.body.append(f"p_at[i] = {w.expression(result)};")
        self.moving = ["p", *[s for s in self.arrays if s in changed]]
        numbers = [*self.rule.parameters, "age", "elapsed"]
        head = [f"const double {n}_ = c[{k}];" for k, n in enumerate(numbers) if n in w.used]
        head += [f"real* __restrict {n}_at = (real*)a[{k}]{self._shift(n)};" for k, n in enumerate(self.arrays)]
        draws, drawing = [], []
        for k, kind in enumerate(w.draws):
            key = f"mixed(s, Key{{keys[{2 * k}], keys[{2 * k + 1}]}})"
            head.append(f"const real* given{k} = (const real*)a[{len(self.arrays) + k}];")
            head.append(f"const Key key{k} = {{{key}, mixed(s + 1, Key{{keys[{2 * k + 1}], keys[{2 * k}]}})}};")
            draws.append(f"real drawn{k}[BLOCK];")
            draws.append(f"if (given{k}) memcpy(drawn{k}, given{k} + b, m*sizeof(real));")
            drawing.append(f"if (!given{k}) draw_{kind}(drawn{k}, b/BLOCK, key{k}, part);")
        if draws:  # the next block is on its way from memory while this one's noise is computed
            near = [n for n in self.arrays if n == "p" or n in w.used or n in changed]
            ahead = "const int64_t ahead = b + BLOCK + part;"
            each = "for (int64_t j = ahead; j < ahead + PART && j < stop; j += 64/(int64_t)sizeof(real))"
            fetch = " ".join(f"__builtin_prefetch({n}_at + j, {int(n == 'p' or n in changed)});" for n in near)
            draws += ["for (int part = 0; part < BLOCK; part += PART) {", f"    {ahead}", f"    {each} {{ {fetch} }}"]
            draws += [*(f"    {line}" for line in drawing), "}"]
        load = [f"real {n}_ = {n}_at[i];" for n in self.arrays[1:] if n in w.used or n in changed]
        load += [f"real {self.own}_ = {self.source}_at[i];"] if self.own else []
        load += ["const real base_step_ = p_at[i] - old_at[i];"] if "base_step" in w.used else []
        load += [f"real {n}_;" for n in w.locals]
        return "\n".join(
            [
                "template <class real>",
                f"static void {self.name}(const int64_t start, const int64_t stop, void** a, const double* c,",
                "    const uint32_t* keys, const int64_t n, const int64_t samples) {",
                "    for (int64_t s = 0; s < samples; s++) {",
                *[f"        {line}" for line in head + w.head],
                "        for (int64_t b = start; b < stop; b += BLOCK) {",
                "            const int64_t m = stop - b < BLOCK ? stop - b : BLOCK;",
                *[f"            {line}" for line in draws],
                "            for (int64_t j = 0; j < m; j++) {",
                "                const int64_t i = b + j;",
                *[f"                {line}" for line in load + w.body],
                "            }",
                "        }",
                "    }",
                "}",
            ]
        )

    def _shift(self, name):
        return " + s*n" if name in self.moving else ""


def source(rule, base=False):
    """A rule's kernels as C++.

    Parameters
    ----------
    rule : Rule
    base : bool
        Whether a base optimizer takes the steps.

    Returns
    -------
    str
        The whole text.
    dict of str to (list of str, list of str)
        The names of the arrays, and the draws, of each kernel: ``update``, ``averaged`` (if the rule can average over
        weight samples), ``sample`` (if it draws its weights) and, with a base optimizer, ``descent``.
    """
    a, texts, kernels = rule.analysis, [HEAD], {}
    own = own_state(rule)
    decays = decays_of(rule, base)

    def add(kernel, *arguments):
        texts.append(kernel.finish(*arguments))
        kernels[kernel.name] = (kernel.arrays, kernel.writer.draws)

    steps = a.blocks["on_base_step"] if base else a.blocks["on_gradient"]
    changed = set(decays) | a.writes["on_base_step" if base else "on_gradient"]
    several = averaged(rule)[0] if a.blocks["on_presentation"] and not base else None
    after = [(s.target, s.value) for s in a.blocks["on_presentation"]]
    if any("age" in names_in(text) for _, text in after):
        after.insert(0, ("age", "age + 1"))
    for name, statements in (("update", steps), ("averaged", several)):
        if statements is None:
            continue
        products = [product_name(n) for n in sorted(a.writes["on_presentation"])] if name == "averaged" else []
        kernel = _Kernel(rule, name, own, ["gradient", *products, *(["old"] if base else [])], restored=base)
        kernel.writer.arrays.add("base_step")
        kernel.writer.statements([*decay_statements(decays), *((s.target, s.value) for s in statements)])
        add(kernel, changed, rule.weight, after)
    if a.noisy:
        kernel = _Kernel(rule, "sample", None, [])
        kernel.writer.statements([(s.target, s.value) for s in a.blocks["on_presentation"]])
        add(kernel, a.writes["on_presentation"], rule.weight)
    if base:
        kernel = _Kernel(rule, "descent", None, ["gradient"])
        add(kernel, set(), rule.base_gradient)
    if a.noisy:
        kernels["average"] = (["gradients", "noise", "gradient", "product"], [])
    names = list(kernels)
    for kind, letter in (("float", "f"), ("double", "d")):
        texts += [
            f'extern "C" void {name}_{letter}(int64_t start, int64_t stop, void** a, const double* c, const uint32_t* keys, '
            f"int64_t n, int64_t samples) {{ {name}<{kind}>(start, stop, a, c, keys, n, samples); }}"
            for name in names
        ]
    return "\n".join(texts) + "\n", kernels


class Kernels:
    """The compiled kernels of a rule.

    Attributes
    ----------
    needs : dict of str to (list of str, list of str)
        As `source` gives it.

    Raises
    ------
    FileNotFoundError
        Without a C++ compiler.
    RuntimeError
        If it refuses the text.
    """

    def __init__(self, rule, base=False):
        text, self.needs = source(rule, base)
        self._library = _compiled(text)
        self._functions = {}

    def __call__(self, name, kind, n, pointers, numbers=(), keys=(), samples=1, threads=1):
        """Run a kernel on ``n`` synapses.

        Parameters
        ----------
        name : str
        kind : {"f", "d"}
            float32 or float64.
        n : int
        pointers : list of int
            Addresses of the arrays, in the order of `needs`, then of given draws (0: draw them here).
        numbers : list of float
            The rule's constants in their order, ``age`` and ``elapsed``.
        keys : list of int
            Two 32-bit numbers for each draw.
        samples : int
            Times to run; what is written then has a first dimension of this length.
        threads : int
        """
        function = self._functions.get((name, kind))
        if function is None:
            self._functions[name, kind] = function = getattr(self._library, f"{name}_{kind}")
            integer, address = ctypes.c_int64, ctypes.c_void_p
            function.argtypes, function.restype = [integer, integer, address, address, address, integer, integer], None
        a, c = struct.pack(f"{len(pointers)}P", *pointers), struct.pack(f"{len(numbers)}d", *numbers)
        k = struct.pack(f"{len(keys)}I", *keys)
        parts = min(threads, n // _SHARE)
        if parts < 2:
            function(0, n, a, c, k, n, samples)
            return
        cuts = [n * part // parts // BLOCK * BLOCK for part in range(parts)] + [n]
        waiting = [_pool().submit(function, *cut, a, c, k, n, samples) for cut in zip(cuts[1:], cuts[2:], strict=False)]
        function(0, cuts[1], a, c, k, n, samples)
        for part in waiting:
            part.result()


@functools.cache
def _pool():
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="spikemeta")


@functools.cache
def _compiled(text):
    """Compile a text, or take the result from the cache."""
    digest = hashlib.sha256("\0".join([text, *_FLAGS, compiler.processor()]).encode()).hexdigest()[:24]
    folder = compiler.cache_folder().with_name("kernels")
    path = folder / f"{digest}.so"
    if not path.is_file():
        command = compiler.command()
        if not shutil.which(command[0]):
            raise FileNotFoundError(f"no C++ compiler {command[0]!r}")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as work:
            written = Path(work, "kernel.cpp")
            written.write_text(text)
            made = Path(work, path.name)
            for flags in (_FLAGS + _WIDE, _FLAGS):
                done = subprocess.run([*command, *flags, str(written), "-o", str(made)], capture_output=True, text=True)
                if not done.returncode:
                    break
            else:
                raise RuntimeError(f"compiling the update failed:\n{done.stderr[-2000:]}")
            os.replace(made, path)
    return ctypes.CDLL(str(path))


def keys(*parts):
    """Two 32-bit keys from whole numbers (seed, purpose, age, ...)."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return struct.unpack("=2I", digest)

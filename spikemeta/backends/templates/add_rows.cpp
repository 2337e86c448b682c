{# The sum of rows in their order, which -ffast-math would change: the same bits wherever it is made. #}
#ifdef __clang__
#define SPIKEMETA_IN_ORDER
#else
#define SPIKEMETA_IN_ORDER __attribute__((noinline, optimize("no-associative-math")))
#endif
template <typename _real, size_t _n> SPIKEMETA_IN_ORDER
static void _add_to(_real* __restrict _sum, const _real* const* _value, const size_t _n_values)
{
    #ifdef __clang__
    #pragma clang fp reassociate(off)
    #endif
    size_t _k = 0;
    {% for wide in (6, 3, 1) %}
    for (; _k + {{wide}} <= _n_values; _k += {{wide}})
    {
        {% for b in range(wide) %}
        const _real* const _v{{b}} = _value[_k + {{b}}];
        {% endfor %}
        #pragma GCC ivdep
        for (size_t _column = 0; _column < _n; _column++)
            _sum[_column] = _sum[_column]{% for b in range(wide) %} + _v{{b}}[_column]{% endfor %};
    }
    {% endfor %}
}
template <typename _real, size_t _n>
static void _add_rows(_real* __restrict _sum, const _real* const* _value, const size_t _n_values)
{
    std::memcpy(_sum, _value[0], _n*sizeof(_real));
    _add_to<_real, _n>(_sum, _value + 1, _n_values - 1);
}

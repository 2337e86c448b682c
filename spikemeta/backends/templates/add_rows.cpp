{# The sum of rows in their order, which -ffast-math would change: the same bits wherever it is made. As many columns as the
   registers hold are summed through all rows, so that nothing is stored between two of them. #}
#ifdef __clang__
#define SPIKEMETA_IN_ORDER
#define SPIKEMETA_ASSOCIATE_NOTHING _Pragma("clang fp reassociate(off)")
#else
#define SPIKEMETA_IN_ORDER __attribute__((noinline, optimize("no-associative-math")))
#define SPIKEMETA_ASSOCIATE_NOTHING
#endif
#ifdef __AVX512F__
#define SPIKEMETA_VECTOR 64
#elif defined __AVX__
#define SPIKEMETA_VECTOR 32
#else
#define SPIKEMETA_VECTOR 16
#endif
// The columns from _first to _end, in vectors of _bytes; what is less than one vector in smaller ones.
template <typename _real, size_t _bytes, size_t _first, size_t _end, bool _any = (_first < _end)>
struct _Columns
{
    static inline __attribute__((always_inline)) void add(_real*, const _real*, const _real* const*, const size_t) {}
};
template <typename _real, size_t _bytes, size_t _first, size_t _end>
struct _Columns<_real, _bytes, _first, _end, true>
{
    static const size_t _lanes = _bytes/sizeof(_real), _vectors = (_end - _first)/_lanes, _passes = (_vectors + 7)/8;
    static const size_t _n = _passes ? (_vectors + _passes - 1)/_passes : 0, _next = _first + _n*_lanes;
    static inline __attribute__((always_inline))
    void add(_real* _sum, const _real* _start, const _real* const* _value, const size_t _n_values)
    {
        SPIKEMETA_ASSOCIATE_NOTHING
        typedef _real _vector __attribute__((vector_size(_bytes), aligned(sizeof(_real)), may_alias));
        _vector _sums[_n ? _n : 1];
        #pragma GCC unroll 8
        for (size_t _k = 0; _k < _n; _k++)
            _sums[_k] = *reinterpret_cast<const _vector*>(_start + _first + _k*_lanes);
        for (size_t _row = 0; _row < (_n ? _n_values : 0); _row++)
        {
            #pragma GCC unroll 8
            for (size_t _k = 0; _k < _n; _k++)
                _sums[_k] = _sums[_k] + *reinterpret_cast<const _vector*>(_value[_row] + _first + _k*_lanes);
        }
        #pragma GCC unroll 8
        for (size_t _k = 0; _k < _n; _k++)
            *reinterpret_cast<_vector*>(_sum + _first + _k*_lanes) = _sums[_k];
        _Columns<_real, (_n ? _bytes : _bytes/2), _next, _end>::add(_sum, _start, _value, _n_values);
    }
};
template <typename _real, size_t _n> SPIKEMETA_IN_ORDER
static void _add_to(_real* _sum, const _real* const* _value, const size_t _n_values)
{
    _Columns<_real, SPIKEMETA_VECTOR, 0, _n>::add(_sum, _sum, _value, _n_values);
}
template <typename _real, size_t _n> SPIKEMETA_IN_ORDER
static void _add_rows(_real* _sum, const _real* const* _value, const size_t _n_values)
{
    _Columns<_real, SPIKEMETA_VECTOR, 0, _n>::add(_sum, _value[0], _value + 1, _n_values - 1);
}

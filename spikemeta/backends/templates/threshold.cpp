{# Events of a group, in blocks: the condition of a block vectorises, and only neurons with an event are looked at singly.
   An event that only neurons of another event can have (`among`) is looked for in that one's list, unless `whole` holds.
   For groups without a refractory period. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    const size_t _size = N;
    int32_t _count = 0;
    {% if among is defined %}
    {% set _among = get_array_name(among) %}
    if (!({{whole}}))
    {
        const int32_t _candidates = {{_among}}[_size];
        for (int32_t _candidate = 0; _candidate < _candidates; _candidate++)
        {
            const size_t _idx = {{_among}}[_candidate];
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            {{_eventspace}}[_count] = _idx;
            _count += _cond != 0;
        }
        {{_eventspace}}[_size] = _count;
        return;
    }
    {% endif %}
    const auto _look = [&](const size_t _first, const size_t _length, const size_t _known)
    {
        alignas(64) char _fired[64];
        if (_length < 64)
            __builtin_memset(_fired, 0, 64);
        #pragma GCC ivdep
        for (size_t _k = 0; _k < _length; _k++)
        {
            const size_t _idx = _first + _k;
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _fired[_k] = _cond;
        }
        uint64_t _bits = 0;  // one for each neuron of the block
    #ifdef __AVX2__
        // In halves, as they were stored: what is read back whole from two stores has to wait for both.
        typedef char _bytes32 __attribute__((vector_size(32), may_alias));
        for (size_t _half = 0; _half < 2; _half++)
            _bits |= (uint64_t)(uint32_t)__builtin_ia32_pmovmskb256(-reinterpret_cast<const _bytes32*>(_fired)[_half]) << (32*_half);
    #else
        for (size_t _eight = 0; _eight < 8; _eight++)
        {
            uint64_t _bytes;
            __builtin_memcpy(&_bytes, _fired + 8*_eight, 8);
            _bits |= ((_bytes*0x0102040810204080ULL) >> 56) << (8*_eight);
        }
    #endif
        _bits &= ~0ULL << _known;
        // Most blocks have two events at most: room for two is written whatever there is, which no branch has to guess.
        int32_t* const _events = {{_eventspace}} + _count;
        _count += __builtin_popcountll(_bits);
        for (size_t _k = 0; _k < 2; _k++, _bits &= _bits - 1)
            _events[_k] = _first + __builtin_ctzll(_bits | (1ULL << 63));
        for (size_t _k = 2; _bits; _k++, _bits &= _bits - 1)
            _events[_k] = _first + __builtin_ctzll(_bits);
    };
    size_t _first = 0;
    for (; _first + 64 <= _size; _first += 64)
        _look(_first, 64, 0);
    if (_first + 12 < _size && _first)
        _look(_size - 64, 64, _first + 64 - _size);  // the last block begins among those that are known
    else if (_first + 12 < _size)
        _look(0, _size, 0);
    else
        for (; _first < _size; _first++)
        {
            const size_t _idx = _first;
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            {{_eventspace}}[_count] = _idx;
            _count += _cond != 0;
        }
    {{_eventspace}}[_size] = _count;
{% endblock %}
{% block after_code %}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    {{_eventspace}}[N] = 0;
{% endblock %}

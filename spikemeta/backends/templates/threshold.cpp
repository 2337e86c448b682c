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
            if (_cond)
                {{_eventspace}}[_count++] = _idx;
        }
        {{_eventspace}}[_size] = _count;
        return;
    }
    {% endif %}
    for (size_t _first = 0; _first < _size; _first += 64)
    {
        const size_t _past = _first + 64 < _size ? _first + 64 : _size;
        alignas(64) char _fired[64] = {0};
        #pragma GCC ivdep
        for (size_t _idx = _first; _idx < _past; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _fired[_idx - _first] = _cond;
        }
        uint64_t _bits = 0;  // one for each neuron of the block
        for (size_t _eight = 0; _eight < 8; _eight++)
        {
            uint64_t _bytes;
            __builtin_memcpy(&_bytes, _fired + 8*_eight, 8);
            _bits |= ((_bytes*0x0102040810204080ULL) >> 56) << (8*_eight);
        }
        for (; _bits; _bits &= _bits - 1)
            {{_eventspace}}[_count++] = _first + __builtin_ctzll(_bits);
    }
    {{_eventspace}}[_size] = _count;
{% endblock %}
{% block after_code %}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    {{_eventspace}}[N] = 0;
{% endblock %}

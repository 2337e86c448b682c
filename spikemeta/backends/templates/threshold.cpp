{# Events of a group, in blocks: the condition of a block vectorises, and only a block with an event is looked through.
   For groups without a refractory period. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    const size_t _size = N;
    int32_t _count = 0;
    for (size_t _first = 0; _first < _size; _first += 64)
    {
        const size_t _past = _first + 64 < _size ? _first + 64 : _size;
        char _fired[64], _any = 0;
        #pragma GCC ivdep
        for (size_t _idx = _first; _idx < _past; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _fired[_idx - _first] = _cond;
            _any |= _cond;
        }
        if (_any)
            for (size_t _idx = _first; _idx < _past; _idx++)
                if (_fired[_idx - _first])
                    {{_eventspace}}[_count++] = _idx;
    }
    {{_eventspace}}[_size] = _count;
{% endblock %}
{% block after_code %}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    {{_eventspace}}[N] = 0;
{% endblock %}

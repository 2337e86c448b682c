{# What happens to neurons with an event. Code that draws is taken in three parts, so that its arithmetic vectorises: the draws, in
   the order of the events; what is made of them, in arrays of its own; and where that goes. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include <algorithm>
#include <type_traits>
{% endblock %}
{% block maincode %}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    const int32_t* const _events = {{_eventspace}};
    const int32_t _num_events = {{_eventspace}}[N];
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _parts = vector_code|drawing_code %}
    {% if _parts %}
    {% set _draws, _body, _stores = _parts %}
    for (int32_t _first = 0; _first < _num_events; _first += 64)
    {
        const int32_t _length = std::min<int32_t>(64, _num_events - _first), _whole = (_length + 7)/8*8;
        int32_t _at[64];
        {% for name in _draws %}
        double _drawn_{{name}}[64];
        {% endfor %}
        for (int32_t _k = 0; _k < _length; _k++)
        {
            _at[_k] = _events[_first + _k];
            {% for name in _draws %}
            _drawn_{{name}}[_k] = _rand(_vectorisation_idx);
            {% endfor %}
        }
        for (int32_t _k = _length; _k < _whole; _k++)
        {
            _at[_k] = _at[_length - 1];
            {% for name in _draws %}
            _drawn_{{name}}[_k] = 0.5;
            {% endfor %}
        }
        {% for name, array in _stores %}
        std::remove_reference<decltype({{array}}[0])>::type _made_{{name}}[64];
        {% endfor %}
        #pragma GCC ivdep
        for (int32_t _lane = 0; _lane < _whole; _lane++)
        {
            const size_t _idx = _at[_lane];
            const size_t _vectorisation_idx = _idx;
            {{_body|autoindent}}
        }
        for (int32_t _k = 0; _k < _length; _k++)
        {
            {% for name, array in _stores %}
            {{array}}[_at[_k]] = _made_{{name}}[_k];
            {% endfor %}
        }
    }
    {% else %}
    for (int32_t _event = 0; _event < _num_events; _event++)
    {
        const size_t _idx = _events[_event];
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    {% endif %}
{% endblock %}

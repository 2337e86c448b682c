{# Synapses without a queue: rows come straight from the source's event list. In an all-to-all projection synapse (i, j) is
   number i*N_post + j, so the synapses of a presynaptic neuron are one contiguous row, and need no indices; i and j count
   from the first neuron of the source and of the target, which may be parts of larger groups. At an event of a postsynaptic
   neuron of such a projection its synapses are every N_post-th. In any other
   they are in a list, in ascending order; two of them may meet at one target, so only code that leaves the targets alone is
   said to have no dependences. #}
{% extends 'common_synapses.cpp' %}
{% block extra_headers %}
{{super()}}
#include <algorithm>
#include <cstring>
{% include 'narrow.h' %}

{% if pathway.prepost == 'pre' and not pathway.codeobj_class.listed and history is not defined and vector_code|added(0, variables) %}
{% include 'add_rows.cpp' %}

{% endif %}
{% endblock %}
{% block maincode %}
    {# USES_VARIABLES { N_pre, N_post } #}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(pathway.variables[pathway.eventspace_name]) %}
    const int32_t _n_events = {{_events}}[_num{{pathway.eventspace_name}} - 1];
    {% if pathway.codeobj_class.listed %}
    const CSpikeQueue& _queue = *{{pathway.name}}.queue[0];
    for (int32_t _event = 0; _event < _n_events; _event++)
    {
        const int32_t _presynaptic_idx = {{_events}}[_event];
        if (_presynaptic_idx < _queue.source_start || _presynaptic_idx >= _queue.source_end)
            continue;
        const std::vector<int>& _list = _queue.synapses[_presynaptic_idx - _queue.source_start];
        const size_t _length = _list.size();
        if (_length == 0)
            continue;
        {{vector_code|row_code(true)|autoindent}}
        const size_t _first = _list[0];
        if (_list[_length - 1] - _first + 1 == _length)
            {% if '_postsynaptic_idx' not in vector_code|column_code(true)|join and vector_code|column_code(true)|independent %}
            #pragma GCC ivdep
            {% endif %}
            for (size_t _idx = _first; _idx < _first + _length; _idx++)
            {
                const size_t _vectorisation_idx = _idx;
                {{vector_code|column_code(true)|autoindent}}
            }
        else
            for (size_t _k = 0; _k < _length; _k++)
            {
                const size_t _idx = _list[_k];
                const size_t _vectorisation_idx = _idx;
                {{vector_code|column_code(true)|autoindent}}
            }
    }
    {% elif pathway.prepost == 'post' %}
    {% set _start, _stop, _first = pathway.spikes_start, pathway.spikes_stop, pathway.target.start %}
    const size_t _n_columns = {{constant_or_scalar('N_pre', variables['N_pre'])}}, _apart = {{constant_or_scalar('N_post', variables['N_post'])}};
    for (int32_t _event = 0; _event < _n_events; _event++)
    {
        const int32_t _postsynaptic_idx = {{_events}}[_event];
        if (_postsynaptic_idx < {{_start}} || _postsynaptic_idx >= {{_stop}})
            continue;
        {{vector_code|row_code(false, _first, 'post')|autoindent}}
        {% set _body = vector_code|column_code(false, _first, 'post') %}
        {% if _body|independent('post') %}
        #pragma GCC ivdep
        {% endif %}
        for (size_t _column = 0; _column < _n_columns; _column++)
        {
            const size_t _idx = _column*_apart + (_postsynaptic_idx - {{_start}});
            const size_t _vectorisation_idx = _idx;
            {{_body|autoindent}}
        }
    }
    {% else %}
    {% set _start, _stop, _first = pathway.spikes_start, pathway.spikes_stop, pathway.target.start %}
    {% set _part = _start > 0 or _stop < pathway.variables[pathway.eventspace_name].size - 1 %}
    const size_t _n_columns = {{constant_or_scalar('N_post', variables['N_post'])}};
    {% set _whole_rows = vector_code|added(_first, variables) if history is not defined else none %}
    {% if _whole_rows %}
    {# Nothing but a sum of rows: some at a time, so that what they are added to is not stored after each. #}
    const {{_whole_rows.type}}* _rows[64];
    size_t _n_rows = 0;
    for (int32_t _event = 0; _event < _n_events; _event++)
    {
        const int32_t _presynaptic_idx = {{_events}}[_event];
        {% if _part %}
        if (_presynaptic_idx < {{_start}} || _presynaptic_idx >= {{_stop}})
            continue;
        {% endif %}
        _rows[_n_rows++] = {{_whole_rows.row}} + (size_t)(_presynaptic_idx - {{_start}})*_n_columns;
        if (_n_rows == 64)
        {
            _add_to<{{_whole_rows.type}}, {{_whole_rows.columns}}>({{_whole_rows.sum}} + {{_first}}, _rows, _n_rows);
            _n_rows = 0;
        }
    }
    _add_to<{{_whole_rows.type}}, {{_whole_rows.columns}}>({{_whole_rows.sum}} + {{_first}}, _rows, _n_rows);
    {% else %}
    {% if history is defined and part == 'commit' %}
    if (_n_events)
        std::fill({{history.gradient}}, {{history.gradient}} + _n_columns, 0);
    {% endif %}
    for (int32_t _event = 0; _event < _n_events; _event++)
    {
        const int32_t _presynaptic_idx = {{_events}}[_event];
        {% if _part %}
        if (_presynaptic_idx < {{_start}} || _presynaptic_idx >= {{_stop}})
            continue;
        const size_t _row = (size_t)(_presynaptic_idx - {{_start}})*_n_columns;
        {% else %}
        const size_t _row = (size_t)_presynaptic_idx * _n_columns;
        {% endif %}
        {% if history is defined %}
        {# Rows whose gradient is absorbed need only what remains to be done at a touch. #}
        {% if part == 'renew' %}
        if (!{{history.absorbed}}[_presynaptic_idx])
            continue;
        {{history.absorbed}}[_presynaptic_idx] = 0;
        {% else %}
        if ({{history.absorbed}}[_presynaptic_idx])
        {
            {% if not renewed %}
            {{history.absorbed}}[_presynaptic_idx] = 0;
            {% endif %}
            continue;
        }
        {% endif %}
        {% endif %}
        {{vector_code|row_code(false, _first)|autoindent}}
        {% set _shared, _body = vector_code|column_code(false, _first)|single %}
        {{_shared|autoindent}}
        {% if vector_code|column_code(false, _first)|independent %}
        #pragma GCC ivdep
        {% endif %}
        for (size_t _column = 0; _column < _n_columns; _column++)
        {
            const size_t _idx = _row + _column;
            const size_t _vectorisation_idx = _idx;
            {{_body|autoindent}}
        }
    }
    {% endif %}
    {% endif %}
{% endblock %}
{% block extra_functions_cpp %}
{% endblock %}
{% block extra_functions_h %}
{% endblock %}

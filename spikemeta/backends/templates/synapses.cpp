{# Synapses of an all-to-all projection: synapse (i, j) is number i*N_post + j, so the synapses of one presynaptic
   neuron are one contiguous row. Rows come straight from the source's event list; no queue, no index arrays. #}
{% extends 'common_synapses.cpp' %}
{% block maincode %}
    {# USES_VARIABLES { N_post } #}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(pathway.variables[pathway.eventspace_name]) %}
    const size_t _n_columns = {{constant_or_scalar('N_post', variables['N_post'])}};
    const int32_t _n_events = {{_events}}[_num{{pathway.eventspace_name}} - 1];
    for (int32_t _event = 0; _event < _n_events; _event++)
    {
        const int32_t _presynaptic_idx = {{_events}}[_event];
        const size_t _row = (size_t)_presynaptic_idx * _n_columns;
        {{vector_code|row_code|autoindent}}
        #pragma GCC ivdep
        for (size_t _column = 0; _column < _n_columns; _column++)
        {
            const size_t _idx = _row + _column;
            const size_t _vectorisation_idx = _idx;
            {{vector_code|column_code|autoindent}}
        }
    }
{% endblock %}
{% block extra_functions_cpp %}
{% endblock %}
{% block extra_functions_h %}
{% endblock %}

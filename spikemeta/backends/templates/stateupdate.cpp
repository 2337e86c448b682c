{# What is done to every neuron of a group: as Brian2 does it, but functions of constants are taken once, and numbers in single
   precision are not widened. What a factor that all share makes 0, as that of a signal before its onset, is not computed. #}
{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include <algorithm>
{% include 'narrow.h' %}
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|settled(variables)|autoindent}}
    {% set _shared, _body = vector_code|single(true) %}
    {{_shared|autoindent}}
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    {% set _written = _body|silenced %}
    {% if _written %}
    if ({{_written[1]}} == 0)
    {
        std::fill_n({{_written[0]}}, _N, 0);
        return;
    }
    {% endif %}
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{_body|autoindent}}
    }
{% endblock %}

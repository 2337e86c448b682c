{# What is done to every neuron of a group: as Brian2 does it, but functions of constants are taken once, and numbers in single
   precision are not widened. #}
{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
{% include 'narrow.h' %}
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|settled(variables)|autoindent}}
    {% set _shared, _body = vector_code|single(true) %}
    {{_shared|autoindent}}
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{_body|autoindent}}
    }
{% endblock %}

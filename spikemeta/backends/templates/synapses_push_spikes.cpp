{# A pathway that reads the event list itself has no queue to fill; lists of synapses are made as Brian2 makes them. #}
{% extends 'common_group.cpp' %}
{% block before_code %}
{% if owner.codeobj_class.listed %}
    {# USES_VARIABLES { _n_sources, _n_targets, delay, _source_dt } #}
    {% set scalar = c_data_type(variables['delay'].dtype) %}
    {% set delays = get_array_name(variables['delay'], access_data=False) %}
    std::vector<int32_t>& _sources = {{owner.name}}.sources;
    {{owner.name}}.prepare({{constant_or_scalar('_n_sources', variables['_n_sources'])}},
                           {{constant_or_scalar('_n_targets', variables['_n_targets'])}},
                           (std::vector<{{scalar}}>(1, 0)).data(), 1, _sources.data(), _sources.size(), {{_source_dt}});
{% endif %}
{% endblock %}
{% block maincode %}
{% endblock %}

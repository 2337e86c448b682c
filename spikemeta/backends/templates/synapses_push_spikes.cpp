{# A pathway that reads the event list itself has no queue to fill, so it knows no delays; lists of synapses are made as Brian2
   makes them. #}
{% extends 'common_group.cpp' %}
{% block before_code %}
    {# USES_VARIABLES { _n_sources, _n_targets, delay, _source_dt } #}
    {% set scalar = c_data_type(variables['delay'].dtype) %}
    for (const {{scalar}} _delay : {{get_array_name(variables['delay'], access_data=False)}})
        if (_delay >= 0.5*{{_source_dt}})
        {
            std::cerr << "Error: {{owner.name}} has a delay, which only Brian2's own loop knows: make the synapses with dense=False\n";
            std::exit(2);
        }
    {% if owner.codeobj_class.listed %}
    const {{scalar}} _no_delay = 0;
    {{owner.name}}.prepare({{constant_or_scalar('_n_sources', variables['_n_sources'])}},
                           {{constant_or_scalar('_n_targets', variables['_n_targets'])}}, &_no_delay, 1,
                           {{owner.name}}.sources.data(), {{owner.name}}.sources.size(), {{_source_dt}});
    {% endif %}
{% endblock %}
{% block maincode %}
{% endblock %}

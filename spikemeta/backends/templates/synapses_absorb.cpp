{# The history of a projection of all to all: in which steps each source fired, and, as another presentation begins, the sums of
   what its spikes added, with the rule's step on them. See spikemeta/backends/histories.py; `history` holds names of arrays,
   sizes and numbers. Sums are made in the order of the steps, which -ffast-math would change. #}
{% extends 'common_synapses.cpp' %}
{% block extra_headers %}
{{super()}}
#include <cstring>
{% include 'add_rows.cpp' %}

{% include 'narrow.h' %}
{% endblock %}
{% block maincode %}
    {# USES_VARIABLES { N_post } #}
    if (!({{history.teaching}}[0] > 0))
        return;
    typedef {{history.real}} _real;
    const size_t _n_columns = {{history.n_post}};
    uint64_t* const _spoken = reinterpret_cast<uint64_t*>({{history.spoken}});
    const int64_t _shown = {{history.presentation_index}}[0];
    if ({{history.recalled}}[0] != _shown + 1)
    {
        const size_t _vectorisation_idx = -1;
        {{scalar_code|autoindent}}
        _real* const _sum = {{history.gradient}};
        for (int64_t _presynaptic_idx = 0; _presynaptic_idx < {{history.n_pre}}; _presynaptic_idx++)
        {
            uint64_t* const _bits = _spoken + _presynaptic_idx*{{history.words}};
            const _real* _value[{{history.words*64}}];
            size_t _n_values = 0;
            for (size_t _word = 0; _word < {{history.words}}; _word++)
                for (uint64_t _left = _bits[_word]; _left; _left &= _left - 1)
                    _value[_n_values++] = &{{history.stored}}[(64*_word + __builtin_ctzll(_left) + {{history.late}})*_n_columns];
            if (!_n_values)
                continue;
            std::memset(_bits, 0, {{8*history.words}});
            {{history.absorbed}}[_presynaptic_idx] = 1;
            const size_t _row = _presynaptic_idx*_n_columns;
            _add_rows<_real, {{history.n_post}}>(_sum, _value, _n_values);
            {{vector_code|row_code(false, 0)|autoindent}}
            {% set _shared, _body = vector_code|column_code(false, 0)|single %}
            {{_shared|autoindent}}
            {% if vector_code|column_code(false, 0)|independent %}
            #pragma GCC ivdep
            {% endif %}
            for (size_t _column = 0; _column < _n_columns; _column++)
            {
                const size_t _idx = _row + _column;
                const size_t _vectorisation_idx = _idx;
                {{_body|autoindent}}
            }
        }
        {{history.recalled}}[0] = _shown + 1;
    }
    const int64_t _now = {{history.timestep}}[0] - _shown*{{history.steps}};
    const int32_t _n_events = {{history.events}}[{{history.n_pre}}];
    if (!_n_events || _now > {{history.steps}} || _now + {{history.late}} >= {{history.limit}})
        return;
    {% if history.signal %}
    typedef {{'uint32_t' if history.real == 'float' else 'uint64_t'}} __attribute__((may_alias)) _word;
    const _word* const _given = reinterpret_cast<const _word*>({{history.signal}});
    _word* const _stored = reinterpret_cast<_word*>(&{{history.stored}}[_now*_n_columns]);
    _word _any = 0;
    #pragma GCC ivdep
    for (size_t _column = 0; _column < _n_columns; _column++)
    {
        _stored[_column] = _given[_column];
        _any |= _given[_column] << 1;  // a zero with a sign is none
    }
    if (_any == 0)
        return;
    {% endif %}
    for (int32_t _event = 0; _event < _n_events; _event++)
        _spoken[{{history.events}}[_event]*{{history.words}} + _now/64] |= (uint64_t)1 << (_now % 64);
{% endblock %}
{% block extra_functions_cpp %}
{% endblock %}
{% block extra_functions_h %}
{% endblock %}

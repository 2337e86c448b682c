{# What every neuron does in each step of a presentation, and, in its last step, the adjoint of the network's equations backwards
   through it: see spikemeta/backends/networks/adjoint.py, whose sums these are. A row's gradient is the sum of the values of its
   arrivals. `sweep` holds names of arrays, sizes and numbers; nothing outlives a presentation. Where the first step of one still
   belongs to that before it, by a rounding of Brian2's clocks, it has no effect there, and none here. #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include <algorithm>
#include <cstring>
#include <vector>
{% include 'add_rows.cpp' %}
{% endblock %}
{% block maincode %}
{# Adds to rows of _all, worths of a layer's spikes in step _t and the `steps` - 1 after it, what they are worth by one way. #}
{% macro worth_of(layer, way, steps) %}
{% if way.pairs %}
for (size_t _k = 0; _k < {{way.weights}}.size(); _k++)
{
    {% for s in range(steps) %}
    _all[{{s*layer.n}} + {{way.pairs[0]}}[_k]] += {{way.factor}}*{{way.weights}}[_k]*_value_{{way.target}}_{{way.variable}}[(_t + {{way.late + s}})*{{way.n_post}} + {{'0' if way.shared else way.pairs[1] ~ '[_k]'}}];
    {% endfor %}
}
{% else %}
int64_t _k = 0;
{% for s in range(steps) %}
_real* const _worth{{s}} = _all + {{s*layer.n}};
const _real* const _value{{s}} = &_value_{{way.target}}_{{way.variable}}[(_t + {{way.late + s}})*{{way.n_post}}];
{% endfor %}
for (; _k + {{way.block}} <= {{way.n_post}}; _k += {{way.block}})
{
    const _real* const _matrix = &_matrix_{{way.name}}[_k*{{layer.n}}];
    {% for s in range(steps) %}
    const _real {% for b in range(way.block) %}_v{{s}}_{{b}} = _value{{s}}[_k + {{b}}]{{';' if loop.last else ', '}}{% endfor %}

    {% endfor %}
    #pragma GCC ivdep
    for (int64_t _j = 0; _j < {{layer.n}}; _j++)
    {
        const _real {% for b in range(way.block) %}_m{{b}} = _matrix[{{b*layer.n}} + _j]{{';' if loop.last else ', '}}{% endfor %}

        {% for s in range(steps) %}
        _worth{{s}}[_j] += {% for b in range(way.block) %}{{' + ' if b else ''}}_v{{s}}_{{b}}*_m{{b}}{% endfor %};
        {% endfor %}
    }
}
{% if way.n_post % way.block %}
for (; _k < {{way.n_post}}; _k++)
    #pragma GCC ivdep
    for (int64_t _j = 0; _j < {{layer.n}}; _j++)
    {
        {% for s in range(steps) %}
        _worth{{s}}[_j] += _value{{s}}[_k]*_matrix_{{way.name}}[_k*{{layer.n}} + _j];
        {% endfor %}
    }
{% endif %}
{% endif %}
{% endmacro %}
    if (!({{sweep.teaching}}[0] > 0))
        return;
    typedef {{sweep.real}} _real;
    const int64_t _steps = {{sweep.steps}}, _now = {{sweep.timestep}}[0] - (int64_t){{sweep.index}}[0]*_steps;
    if (_now >= _steps)
        return;
    static int64_t _presentation = -1;
    const bool _begins = _now == 0 || _presentation != {{sweep.index}}[0];
    _presentation = {{sweep.index}}[0];
    {% for source in sweep.sources %}
    static std::vector<int32_t> _who_{{source.name}}, _when_{{source.name}};
    if (_begins)
    {
        _who_{{source.name}}.clear();
        _when_{{source.name}}.clear();
    }
    for (int32_t _k = 0; _k < {{source.events}}[{{source.n}}]; _k++)
    {
        _who_{{source.name}}.push_back({{source.events}}[_k]);
        _when_{{source.name}}.push_back(_now);
    }
    {% endfor %}
    {% for layer in sweep.layers %}
    static std::vector<_real> _derivative_{{layer.name}}(_steps*{{layer.n}});
    static std::vector<int32_t> _fired_{{layer.name}}, _until_{{layer.name}}(_steps);  // who, one step after another
    if (_begins)
    {
        std::fill_n(_derivative_{{layer.name}}.begin(), _now*{{layer.n}}, 0);
        std::fill_n(_until_{{layer.name}}.begin(), _now, 0);
        _fired_{{layer.name}}.clear();
    }
    std::memcpy(&_derivative_{{layer.name}}[_now*{{layer.n}}], {{layer.derivative}}, {{layer.n}}*sizeof(_real));
    _fired_{{layer.name}}.insert(_fired_{{layer.name}}.end(), {{layer.events}}, {{layer.events}} + {{layer.events}}[{{layer.n}}]);
    _until_{{layer.name}}[_now] = _fired_{{layer.name}}.size();
    {% endfor %}
    if (_now != _steps - 1)
        return;

    // The error: what a spike more of each neuron of the answer adds to the loss.
    {% set answer = sweep.answer %}
    static std::vector<_real> _error({{answer.n}});
    {
        double _most = 0, _sum = 0, _right = 0, _evidence[{{answer.n}}] = {0};
        for (int32_t _j : _fired_{{answer.name}})
            _evidence[_j]++;
        for (int64_t _j = 0; _j < {{answer.n}}; _j++)
        {
            _evidence[_j] *= {{answer.gain}};
            _most = std::max(_most, _evidence[_j]);
            _right += {{answer.right}}[_j];
        }
        for (int64_t _j = 0; _j < {{answer.n}}; _j++)
            _sum += _evidence[_j] = std::exp(_evidence[_j] - _most);
        for (int64_t _j = 0; _j < {{answer.n}}; _j++)
            _error[_j] = _right > 0 ? {{answer.gain}}*(_evidence[_j]/_sum - {{answer.right}}[_j]) : 0.0;
    }

    {% for layer in sweep.layers %}
    {% for k, width, kept in layer.wanted %}
    {% if kept %}
    _real* const _value_{{layer.name}}_{{k}} = {{kept}};
    {% else %}
    static std::vector<_real> _value_{{layer.name}}_{{k}}(_steps*{{width}});
    {% endif %}
    {% endfor %}
    // Sensitivities of a step: those that are the values of arrivals in the rows of these, others in one row alone.
    {% for k in layer.variables %}
    {% if k in layer.rows %}
    _real* const _after_{{layer.name}}_{{k}} = &_value_{{layer.name}}_{{k}}[0];
    std::fill_n(_after_{{layer.name}}_{{k}} + (_steps - 1)*{{layer.n}}, {{layer.n}}, 0);
    {% else %}
    static std::vector<_real> _row_{{layer.name}}_{{k}}({{layer.n}});
    _real* const _after_{{layer.name}}_{{k}} = _row_{{layer.name}}_{{k}}.data();
    std::fill_n(_after_{{layer.name}}_{{k}}, {{layer.n}}, 0);
    {% endif %}
    {% endfor %}
    static std::vector<_real> _worth_{{layer.name}}({{2*layer.n}});  // of two steps
    {% for way in layer.ways if not way.pairs %}
    static std::vector<_real> _matrix_{{way.name}}({{way.n_post}}*{{layer.n}});
    {% if way.random %}
    for (int64_t _k = 0; _k < {{way.n_post}}*{{layer.n}}; _k++)
        _matrix_{{way.name}}[_k] = {{way.weights}}[_k];
    {% else %}
    for (int64_t _k = 0; _k < {{way.n_post}}; _k++)
        #pragma GCC ivdep
        for (int64_t _j = 0; _j < {{layer.n}}; _j++)
            _matrix_{{way.name}}[_k*{{layer.n}} + _j] = {{way.factor}}*{{way.weights}}[_j*{{way.n_post}} + _k];
    {% endif %}
    {% endfor %}
    {% endfor %}

    {% for group in sweep.groups %}
    {% set inside = group|map(attribute='name')|list %}
    for (int64_t _t = _steps - 1; _t >= 0; _t--)
    {
        {% for layer in group %}
        // What a spike of this step, or of it and that before, is worth by what it is part of, and by layers known already.
        if (_t & 1 || _t == _steps - 1)
        {
            const int64_t _last = _t;
            _real* const _all = _worth_{{layer.name}}.data();
            {% if layer.name == answer.name %}
            std::copy(_error.begin(), _error.end(), std::copy(_error.begin(), _error.end(), _all));
            {% else %}
            std::fill_n(_all, {{2*layer.n}}, 0);
            {% endif %}
            {% for way in layer.ways if way.target not in inside %}
            {
                const int64_t _t = _last & ~1, _end = std::min(_last, _steps - 2 - {{way.late}});
                if (_t + 1 == _end)
                {
                    {{worth_of(layer, way, 2)}}
                }
                else if (_t == _end)
                {
                    {{worth_of(layer, way, 1)}}
                }
            }
            {% endfor %}
        }
        {% endfor %}
        {% for layer in group %}
        {
            {% for k in layer.variables %}
            _real* const _x{{k}} = _after_{{layer.name}}_{{k}}{{' + _t*' ~ layer.n if k in layer.rows}};
            {% endfor %}
            {% if layer.forgets %}
            // Before the reset of those who fired.
            for (int32_t _k = _t ? _until_{{layer.name}}[_t - 1] : 0; _k < _until_{{layer.name}}[_t]; _k++)
            {
                const int32_t _j = _fired_{{layer.name}}[_k];
                {% for k in layer.variables %}
                const _real _a{{k}} = _x{{k}}[_j];
                {% endfor %}
                {% for k in layer.variables %}
                _x{{k}}[_j] = {{'0' if k in layer.forgets else '_a' ~ k}}
                    {%- for i, made_of in layer.forgets.items() %}{% for j, c in made_of if j == k %} + {{c}}*_a{{i}}{% endfor %}{% endfor %};
                {% endfor %}
                {% for k, jump in layer.jumps %}
                _worth_{{layer.name}}[(_t & 1)*{{layer.n}} + _j] += {{jump}}*(_a{{k}} - _x{{k}}[_j]);
                {% endfor %}
            }
            {% endif %}
            {% for k, width, kept in layer.wanted if k in layer.shared %}
            _real _sum{{k}} = 0;
            for (int64_t _j = 0; _j < {{layer.n}}; _j++)
                _sum{{k}} += _x{{k}}[_j];
            _value_{{layer.name}}_{{k}}[_t] = _sum{{k}};
            {% endfor %}
        }
        {% endfor %}
        if (_t == 0)
            break;
        {% for layer in group %}
        {
            {% for way in layer.ways if way.target in inside %}
            if (_t + {{way.late}} < _steps - 1)
            {
                _real* const _all = &_worth_{{layer.name}}[(_t & 1)*{{layer.n}}];
                {{worth_of(layer, way, 1)}}
            }
            {% endfor %}
            const _real* const _worth = &_worth_{{layer.name}}[(_t & 1)*{{layer.n}}];
            const _real* const _derivative = &_derivative_{{layer.name}}[_t*{{layer.n}}];
            {% for k in layer.variables %}
            const _real* const _x{{k}} = _after_{{layer.name}}_{{k}}{{' + _t*' ~ layer.n if k in layer.rows}};
            _real* const _before{{k}} = _after_{{layer.name}}_{{k}}{{' + (_t - 1)*' ~ layer.n if k in layer.rows}};
            {% endfor %}
            #pragma GCC ivdep
            for (int64_t _j = 0; _j < {{layer.n}}; _j++)
            {
                {% for k in layer.variables %}
                const _real _b{{k}} = _x{{k}}[_j];
                {% endfor %}
                const _real _own = _derivative[_j]*(_worth[_j]{% for k, jump in layer.jumps %} + {{jump}}*_b{{k}}{% endfor %});
                {% for k in layer.variables %}
                const _real _m{{k}} = _b{{k}}{% if layer.slope[k] %} + {{layer.slope[k]}}*_own{% endif %};
                {% endfor %}
                {% for k, column in layer.columns.items() %}
                _before{{k}}[_j] = {% for i, c in column %}{{' + ' if not loop.first else ''}}{{c}}*_m{{i}}{% endfor %};
                {% endfor %}
            }
        }
        {% endfor %}
    }
    {% endfor %}

    {% for source in sweep.sources %}
    {
        // The steps of each neuron's spikes, one neuron after another.
        static std::vector<int32_t> _first({{source.n}} + 1), _steps_of;
        std::fill(_first.begin(), _first.end(), 0);
        _steps_of.resize(_who_{{source.name}}.size());
        for (int32_t _i : _who_{{source.name}})
            _first[_i]++;
        for (int64_t _i = 0, _before = 0; _i <= {{source.n}}; _i++)
        {
            const int32_t _count = _first[_i];
            _first[_i] = _before;
            _before += _count;
        }
        for (size_t _k = 0; _k < _who_{{source.name}}.size(); _k++)
            _steps_of[_first[_who_{{source.name}}[_k]]++] = _when_{{source.name}}[_k];
        {% for p in source.plastic %}
        {% if p.pairs %}
        for (size_t _s = 0; _s < {{p.gradient}}.size(); _s++)
        {
            const int64_t _i = {{p.pairs[0]}}[_s], _j = {{'0' if p.shared else p.pairs[1] ~ '[_s]'}};
            const int32_t _begin = _i ? _first[_i - 1] : 0;
            if (_begin == _first[_i])
                continue;
            _real _sum = 0;
            for (int32_t _e = _begin; _e < _first[_i]; _e++)
                if (_steps_of[_e] + {{p.late}} < _steps - 1)
                    _sum += _value_{{p.target}}_{{p.variable}}[(_steps_of[_e] + {{p.late}})*{{p.n_post}} + _j];
            {{p.gradient}}[_s] = _sum;
        }
        {% else %}
        for (int64_t _i = 0; _i < {{source.n}}; _i++)
        {
            int32_t _e = _i ? _first[_i - 1] : 0, _end = _first[_i];
            if (_e == _end)
                continue;
            while (_end > _e && _steps_of[_end - 1] + {{p.late}} >= _steps - 1)
                _end--;
            _real* const _row = &{{p.gradient}}[_i*{{p.n_post}}];
            static std::vector<const _real*> _rows(_steps);
            for (int32_t _k = _e; _k < _end; _k++)
                _rows[_k - _e] = &_value_{{p.target}}_{{p.variable}}[(_steps_of[_k] + {{p.late}})*{{p.n_post}}];
            if (_e == _end)
                std::fill(_row, _row + {{p.n_post}}, 0);
            else
                _add_rows<_real, {{p.n_post}}>(_row, _rows.data(), _end - _e);
        }
        {% endif %}
        {% endfor %}
    }
    {% endfor %}
{% endblock %}

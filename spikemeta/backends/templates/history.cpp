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
    static std::vector<unsigned char> _fired_{{layer.name}}(_steps*{{layer.n}});
    if (_begins)
    {
        std::fill_n(_derivative_{{layer.name}}.begin(), _now*{{layer.n}}, 0);
        std::fill_n(_fired_{{layer.name}}.begin(), _now*{{layer.n}}, 0);
    }
    std::memcpy(&_derivative_{{layer.name}}[_now*{{layer.n}}], {{layer.derivative}}, {{layer.n}}*sizeof(_real));
    std::memset(&_fired_{{layer.name}}[_now*{{layer.n}}], 0, {{layer.n}});
    for (int32_t _k = 0; _k < {{layer.events}}[{{layer.n}}]; _k++)
        _fired_{{layer.name}}[_now*{{layer.n}} + {{layer.events}}[_k]] = 1;
    {% endfor %}
    if (_now != _steps - 1)
        return;

    // The error: what a spike more of each neuron of the answer adds to the loss.
    {% set answer = sweep.answer %}
    static std::vector<_real> _error({{answer.n}});
    {
        double _most = 0, _sum = 0, _right = 0, _evidence[{{answer.n}}];
        for (int64_t _j = 0; _j < {{answer.n}}; _j++)
        {
            int64_t _count = 0;
            for (int64_t _t = 0; _t < _steps; _t++)
                _count += _fired_{{answer.name}}[_t*{{answer.n}} + _j];
            _evidence[_j] = {{answer.gain}}*_count;
            _most = std::max(_most, _evidence[_j]);
            _right += {{answer.right}}[_j];
        }
        for (int64_t _j = 0; _j < {{answer.n}}; _j++)
            _sum += _evidence[_j] = std::exp(_evidence[_j] - _most);
        for (int64_t _j = 0; _j < {{answer.n}}; _j++)
            _error[_j] = _right > 0 ? {{answer.gain}}*(_evidence[_j]/_sum - {{answer.right}}[_j]) : 0.0;
    }

    {% for layer in sweep.layers %}
    {% for k in layer.variables %}
    static std::vector<_real> _after_{{layer.name}}_{{k}}({{layer.n}});
    std::fill(_after_{{layer.name}}_{{k}}.begin(), _after_{{layer.name}}_{{k}}.end(), 0);
    {% endfor %}
    {% for k, width, kept in layer.wanted %}
    {% if kept %}
    _real* const _value_{{layer.name}}_{{k}} = {{kept}};
    {% else %}
    static std::vector<_real> _value_{{layer.name}}_{{k}}(_steps*{{width}});
    {% endif %}
    {% endfor %}
    static std::vector<_real> _worth_{{layer.name}}({{layer.n}});
    {% for way in layer.ways if not way.pairs %}
    static std::vector<_real> _matrix_{{way.name}}({{way.n_post}}*{{layer.n}});
    {% if way.random %}
    for (int64_t _k = 0; _k < {{way.n_post}}*{{layer.n}}; _k++)
        _matrix_{{way.name}}[_k] = {{way.weights}}[_k];
    {% else %}
    for (int64_t _j = 0; _j < {{layer.n}}; _j++)
        for (int64_t _k = 0; _k < {{way.n_post}}; _k++)
            _matrix_{{way.name}}[_k*{{layer.n}} + _j] = {{way.factor}}*{{way.weights}}[_j*{{way.n_post}} + _k];
    {% endif %}
    {% endfor %}
    {% endfor %}

    {% for group in sweep.groups %}
    for (int64_t _t = _steps - 1; _t >= 0; _t--)
    {
        {% for layer in group %}
        {
            const unsigned char* const _fired = &_fired_{{layer.name}}[_t*{{layer.n}}];
            _real* const _worth = _worth_{{layer.name}}.data();
            {% for k in layer.variables %}
            _real* const _x{{k}} = _after_{{layer.name}}_{{k}}.data();
            {% endfor %}
            {% for k, width, kept in layer.wanted %}
            _real* const _value{{k}} = &_value_{{layer.name}}_{{k}}[_t*{{width}}];
            {% if k in layer.shared %}
            _real _sum{{k}} = 0;
            {% endif %}
            {% endfor %}
            #pragma GCC ivdep
            for (int64_t _j = 0; _j < {{layer.n}}; _j++)
            {
                const _real _there = _fired[_j], _kept = 1 - _there;
                {% for k in layer.variables %}
                const _real _a{{k}} = _x{{k}}[_j];
                {% endfor %}
                _worth[_j] = {{'_error[_j]' if layer.name == answer.name else '0'}}{% for k, jump in layer.jumps %} + {{jump}}*_a{{k}}{% endfor %};
                {% for k in layer.variables %}
                const _real _b{{k}} = _a{{k}}{{'*_kept' if k in layer.forgets else ''}}
                    {%- for i, made_of in layer.forgets.items() %}{% for j, c in made_of if j == k %} + {{c}}*_there*_a{{i}}{% endfor %}{% endfor %};
                _x{{k}}[_j] = _b{{k}};
                {% endfor %}
                {% for k, width, kept in layer.wanted %}
                {% if k in layer.shared %}
                _sum{{k}} += _b{{k}};
                {% else %}
                _value{{k}}[_j] = _b{{k}};
                {% endif %}
                {% endfor %}
            }
            {% for k, width, kept in layer.wanted if k in layer.shared %}
            _value{{k}}[0] = _sum{{k}};
            {% endfor %}
        }
        {% endfor %}
        {% for layer in group %}
        {
            _real* const _worth = _worth_{{layer.name}}.data();
            {% for way in layer.ways %}
            if (_t + {{way.late}} < _steps - 1)
            {
                const _real* const _value = &_value_{{way.target}}_{{way.variable}}[(_t + {{way.late}})*{{way.n_post}}];
                {% if way.pairs %}
                for (size_t _k = 0; _k < {{way.weights}}.size(); _k++)
                    _worth[{{way.pairs[0]}}[_k]] += {{way.factor}}*{{way.weights}}[_k]*_value[{{'0' if way.shared else way.pairs[1] ~ '[_k]'}}];
                {% else %}
                int64_t _k = 0;
                for (; _k + {{way.block}} <= {{way.n_post}}; _k += {{way.block}})
                {
                    const _real* const _matrix = &_matrix_{{way.name}}[_k*{{layer.n}}];
                    {% for b in range(way.block) %}
                    const _real _v{{b}} = _value[_k + {{b}}];
                    {% endfor %}
                    #pragma GCC ivdep
                    for (int64_t _j = 0; _j < {{layer.n}}; _j++)
                        _worth[_j] += {% for b in range(way.block) %}{{' + ' if b else ''}}_v{{b}}*_matrix[{{b*layer.n}} + _j]{% endfor %};
                }
                for (; _k < {{way.n_post}}; _k++)
                    for (int64_t _j = 0; _j < {{layer.n}}; _j++)
                        _worth[_j] += _value[_k]*_matrix_{{way.name}}[_k*{{layer.n}} + _j];
                {% endif %}
            }
            {% endfor %}
            const _real* const _derivative = &_derivative_{{layer.name}}[_t*{{layer.n}}];
            {% for k in layer.variables %}
            _real* const _x{{k}} = _after_{{layer.name}}_{{k}}.data();
            {% endfor %}
            #pragma GCC ivdep
            for (int64_t _j = 0; _j < {{layer.n}}; _j++)
            {
                const _real _own = _derivative[_j]*_worth[_j];
                {% for k in layer.variables %}
                const _real _m{{k}} = _x{{k}}[_j]{% if layer.slope[k] %} + {{layer.slope[k]}}*_own{% endif %};
                {% endfor %}
                {% for k, column in layer.columns.items() %}
                _x{{k}}[_j] = {% for i, c in column %}{{' + ' if not loop.first else ''}}{{c}}*_m{{i}}{% endfor %};
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

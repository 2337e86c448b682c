{# One pass over a parameter's arrays, `a`: what depends on no synapse before the loop, in double precision; in it every array is
   read and written once, and no synapse waits for another, which the compiler finds out by itself among a few arrays alone.
   Arrays that are written have a first dimension of samples. With draws the next block is on its way from memory while this
   one's noise is computed. #}
template <class real>
static void {{ name }}(const int64_t start, const int64_t stop, void** a, const double* c,
    const uint32_t* keys, const int64_t n, const int64_t samples) {
    for (int64_t s = 0; s < samples; s++) {
        {% for number, place in numbers %}
        const double {{ number }}_ = c[{{ place }}];
        {% endfor %}
        {% for array in arrays %}
        real* __restrict {{ array }}_at = (real*)a[{{ loop.index0 }}]{{ " + s*n" if array in moving }};
        {% endfor %}
        {% for kind in draws %}
        {% set k, first, second = loop.index0, 2*loop.index0, 2*loop.index0 + 1 %}
        const real* given{{ k }} = (const real*)a[{{ arrays|length + k }}];
        const Key key{{ k }} = {mixed(s, Key{keys[{{ first }}], keys[{{ second }}]}), mixed(s + 1, Key{keys[{{ second }}], keys[{{ first }}]})};
        {% endfor %}
        {% for line in head %}
        {{ line }}
        {% endfor %}
        for (int64_t b = start; b < stop; b += BLOCK) {
            const int64_t m = stop - b < BLOCK ? stop - b : BLOCK;
            {% if draws %}
            {% for kind in draws %}
            real drawn{{ loop.index0 }}[BLOCK];
            if (given{{ loop.index0 }}) memcpy(drawn{{ loop.index0 }}, given{{ loop.index0 }} + b, m*sizeof(real));
            {% endfor %}
            for (int part = 0; part < BLOCK; part += PART) {
                const int64_t ahead = b + BLOCK + part;
                for (int64_t j = ahead; j < ahead + PART && j < stop; j += 64/(int64_t)sizeof(real)) {
                    {% for array in touched %}
                    __builtin_prefetch({{ array }}_at + j, {{ 1 if array in written else 0 }});
                    {% endfor %}
                }
                {% for kind in draws %}
                if (!given{{ loop.index0 }}) draw_{{ kind }}(drawn{{ loop.index0 }}, b/BLOCK, key{{ loop.index0 }}, part);
                {% endfor %}
            }
            {% endif %}
            #pragma GCC ivdep
            for (int64_t j = 0; j < m; j++) {
                const int64_t i = b + j;
                {% for array in touched if array != "p" %}
                real {{ array }}_ = {{ array }}_at[i];
                {% endfor %}
                {% if own %}
                real {{ own }}_ = {{ source }}_at[i];
                {% endif %}
                {% if stepped %}
                const real base_step_ = p_at[i] - old_at[i];
                {% endif %}
                {% for name in locals %}
                real {{ name }}_;
                {% endfor %}
                {% for line in body %}
                {{ line }}
                {% endfor %}
            }
        }
    }
}

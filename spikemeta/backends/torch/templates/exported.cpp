{# What Python calls: every pass, for either kind of number. #}
{% for kind, letter in kinds %}
{% for name in names %}
extern "C" void {{ name }}_{{ letter }}(int64_t start, int64_t stop, void** a, const double* c, const uint32_t* keys, int64_t n, int64_t samples) { {{ name }}<{{ kind }}>(start, stop, a, c, keys, n, samples); }
{% endfor %}
{% endfor %}

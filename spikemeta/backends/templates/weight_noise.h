#ifndef WEIGHT_NOISE_DOUBLE
#define WEIGHT_NOISE_DOUBLE
static inline double weight_noise_double(const uint64_t whole) {
    const uint64_t bits = whole | 0x4330000000000000ULL;
    double number;
    __builtin_memcpy(&number, &bits, 8);
    return number - 4503599627370496.0;
}
#endif
static inline double weight_noise(const double seed, const double presentation, const int64_t index) {
    uint64_t x = (uint64_t)(int64_t)seed * 0xD1342543DE82EF95ULL + (uint64_t)(int64_t)presentation * 0x2545F4914F6CDD1DULL;
    x = (x ^ (x >> 29)) * 0x9E3779B97F4A7C15ULL + (uint64_t)index * 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    x = x ^ (x >> 31);
    const double u = (weight_noise_double(x >> 32) + 0.5) * (1.0/4294967296.0);
    const double v = weight_noise_double(x & 0xFFFFFFFFULL) * (1.0/4294967296.0);
    uint64_t bits;
    __builtin_memcpy(&bits, &u, 8);
    double exponent = weight_noise_double(bits >> 52) - 1023.0, m;
    bits = (bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL;
    __builtin_memcpy(&m, &bits, 8);
    const double half = m > 1.4142135623730951 ? 0.5 : 1.0;
    exponent += 2.0 - 2.0*half;
    m *= half;
    const double s = (m - 1.0)/(m + 1.0), q = s*s;
    const double series = 1.0 + q*(1.0/3 + q*(1.0/5 + q*(1.0/7 + q*(1.0/9 + q*(1.0/11 + q*(1.0/13 + q*(1.0/15 + q/17)))))));
    const double logarithm = exponent*0.6931471805599453 + 2.0*s*series;
    const double y = 6.283185307179586*((v < 0.5 ? 0.5 - v : v - 0.5) - 0.25), z = y*y;
    const double sine = y*(1.0 - z/6*(1.0 - z/20*(1.0 - z/42*(1.0 - z/72*(1.0 - z/110*(1.0 - z/156*(1.0 - z/210*(
        1.0 - z/272*(1.0 - z/342)))))))));
    return sqrt(-2.0*logarithm)*sine;
}

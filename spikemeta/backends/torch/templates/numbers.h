// Uniform and normal numbers as functions of a key and the synapse's number, to 24 bits. The mixing function is lowbias32
// (Wellons 2018, "Prospecting for hash functions"), keyed twice; normal: Box & Muller 1958, Ann. Math. Statist. 29, 610, both
// of a pair; logarithm and sine by polynomials fitted at Chebyshev nodes, which err by at most 2e-6 of the number drawn.
#include <cmath>
#include <cstdint>
#include <cstring>
#define BLOCK 1024 // synapses whose noise is drawn together
#define PART 64 // synapses of a block whose noise is drawn between two requests to memory
struct Key { uint32_t a, b; };
static inline uint32_t mixed(uint32_t x, const Key k) {
    x += k.a; x ^= x >> 16; x *= 0x7feb352dU; x ^= k.b; x ^= x >> 15; x *= 0x846ca68bU; return x ^ (x >> 16);
}
static inline float fraction(const uint32_t x) { return (float)(int32_t)(x >> 8)*(1.0f/16777216); }
static inline float logarithm(const float u) {
    int32_t bits; memcpy(&bits, &u, 4);
    const int32_t exponent = (bits - 0x3f3504f3) >> 23;
    bits -= (int32_t)((uint32_t)exponent << 23);
    float m; memcpy(&m, &bits, 4);
    m -= 1.0f;
    float p = 0.11931054f;
    p = p*m - 0.18680751f; p = p*m + 0.2049176f; p = p*m - 0.24908289f; p = p*m + 0.33314674f; p = p*m - 0.50001145f;
    return m*(p*m + 1.00000096f) + (float)exponent*0.69314718f;
}
static inline float sine(const float turns) {
    const float z = turns*turns;
    return turns*(6.28318054f + z*(-41.33925387f + z*(81.40833659f - z*71.6111943f)));
}
template <class real> static void draw_randn(real* __restrict out, const int64_t block, const Key key, const int part) {
    const Key other = {key.b ^ 0x9E3779B9U, key.a ^ 0x85EBCA6BU};
    for (int j = part/2; j < part/2 + PART/2; j++) {
        const uint32_t i = (uint32_t)(block*(BLOCK/2) + j);
        const float radius = sqrtf(-2*logarithm(fraction(mixed(i, key)) + 0.5f/16777216));
        const float q = fraction(mixed(i, other)) - 0.5f;
        const float folded = q > 0.25f ? 0.5f - q : q < -0.25f ? -0.5f - q : q;
        out[j] = (real)(radius*sine(0.25f - fabsf(q)));
        out[j + BLOCK/2] = (real)(radius*sine(folded));
    }
}
template <class real> static void draw_rand(real* __restrict out, const int64_t block, const Key key, const int part) {
    for (int j = part; j < part + PART; j++) out[j] = (real)fraction(mixed((uint32_t)(block*BLOCK + j), key));
}
template <class T> static inline T sign(const T x) { return (T)((x > 0) - (x < 0)); }
template <class T> static inline T clip(const T x, const T low, const T high) {
    const T above = x < low ? low : x;
    return above > high ? high : above;
}
template <class T> static inline T modulo(const T x, const T y) { return x - y*std::floor(x/y); }
template <class T>
static void average(const int64_t start, const int64_t stop, void** a, const double*, const uint32_t*, const int64_t n,
                    const int64_t samples) {
    const T* gradients = (const T*)a[0];
    const T* noise = (const T*)a[1];
    T* __restrict mean = (T*)a[2];
    T* __restrict product = (T*)a[3];
    for (int64_t b = start; b < stop; b += BLOCK) {
        const int64_t m = stop - b < BLOCK ? stop - b : BLOCK;
        T g[BLOCK] = {0}, gn[BLOCK] = {0};
        for (int64_t s = 0; s < samples; s++) {
            const T* __restrict x = gradients + s*n + b;
            const T* __restrict y = noise + s*n + b;
            for (int64_t j = 0; j < m; j++) { g[j] += x[j]; gn[j] += x[j]*y[j]; }
        }
        for (int64_t j = 0; j < m; j++) { mean[b + j] = g[j]/samples; product[b + j] = gn[j]/samples; }
    }
}

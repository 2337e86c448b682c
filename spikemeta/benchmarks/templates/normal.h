static inline uint32_t mix(uint32_t x) {  // lowbias32, a finaliser of two multiplications
    x ^= x >> 16; x *= 0x7feb352dU; x ^= x >> 15; x *= 0x846ca68bU; return x ^ (x >> 16);
}
static inline real normal(const uint32_t key, const uint32_t index) {
    const uint32_t x = mix(index ^ key) + mix(key), a = mix(x), b = mix(x ^ 0x9e3779b9U);
    const float u = ((float)(a >> 8) + 0.5f)*(1.0f/16777216), v = (float)(b >> 8)*(1.0f/16777216);
    return std::sqrt(-2*std::log(u))*std::cos(6.2831853f*v);
}

static int64_t next_spike(const int64_t presentation, const int64_t unit, const int64_t after, const int64_t steps) {
    static const std::vector<unsigned char> codes = _read_bytes("images"), starts = _read_bytes("indices"),
        places = _read_bytes("places");
    if (unit == 0 && after < 0 && presentation % 50 == 0) { std::printf("%ld\n", (long)presentation); std::fflush(stdout); }
    if (presentation + 1 >= (int64_t)starts.size()/8) return 1000000000;
    const uint32_t* code = reinterpret_cast<const uint32_t*>(codes.data());
    const int64_t* start = reinterpret_cast<const int64_t*>(starts.data());
    const int64_t row = reinterpret_cast<const int32_t*>(places.data())[unit];
    const uint32_t* end = code + start[presentation + 1];
    const uint32_t* found = std::lower_bound(code + start[presentation], end, (uint32_t)(row*steps + after + 1));
    return found == end || *found >= (row + 1)*steps ? 1000000000 : *found - row*steps;
}

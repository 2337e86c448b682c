static double stimulus(const int64_t presentation, const int64_t pixel) {
    static const std::vector<unsigned char> images = _read_bytes("images"), order = _read_bytes("indices"),
        places = _read_bytes("places");
    static const int64_t count = order.size()/4, width = places.size()/4;
    if (pixel == 0 && presentation % 50 == 0) { std::printf("%ld\n", (long)presentation); std::fflush(stdout); }
    if (presentation >= count) return 0.0;
    const int64_t image = reinterpret_cast<const int32_t*>(order.data())[presentation];
    return images[image*width + reinterpret_cast<const int32_t*>(places.data())[pixel]]/255.0;
}

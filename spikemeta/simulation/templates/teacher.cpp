static int64_t teacher(const int64_t presentation) {
    static const std::vector<unsigned char> labels = _read_bytes("labels");
    if (presentation >= (int64_t)labels.size()/4) return -1;
    return reinterpret_cast<const int32_t*>(labels.data())[presentation];
}

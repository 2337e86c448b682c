#include <cstdio>
static std::vector<unsigned char> _read_bytes(const char* name) {
    std::string path = std::string(std::getenv("SPIKEMETA_PHASE")) + "/" + name;
    FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) { std::fprintf(stderr, "cannot read %s\n", path.c_str()); std::exit(3); }
    std::fseek(file, 0, SEEK_END);
    std::vector<unsigned char> bytes(std::ftell(file));
    std::rewind(file);
    if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::exit(3);
    std::fclose(file);
    return bytes;
}

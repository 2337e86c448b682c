#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
typedef REAL real;
static std::string folder;
template <typename T> static std::vector<T> load(const std::string& name) {
    FILE* f = std::fopen((folder + "/" + name).c_str(), "rb");
    if (!f) return std::vector<T>();
    std::fseek(f, 0, SEEK_END); std::vector<T> v(std::ftell(f)/sizeof(T)); std::rewind(f);
    if (std::fread(v.data(), sizeof(T), v.size(), f) != v.size()) std::exit(3);
    std::fclose(f); return v;
}
template <typename T> static void save(const std::string& name, const std::vector<T>& v) {
    FILE* f = std::fopen((folder + "/" + name).c_str(), "wb");
    std::fwrite(v.data(), sizeof(T), v.size(), f); std::fclose(f);
}
NORMALstatic const int BLOCK = 4096;
static float waits[BLOCK];
static int used = BLOCK;
static uint32_t drawn = 0, seed;
static inline float exponential() {  // deviates in blocks, so that hash and logarithm vectorise
    if (used == BLOCK) {
        for (int k = 0; k < BLOCK; k++) waits[k] = -logf(((float)(mix(mix(drawn + k) ^ seed) >> 8) + 0.5f)*(1.0f/16777216));
        drawn += BLOCK; used = 0;
    }
    return waits[used++];
}
static const int STATES_OF = N_STATES;
struct Projection {
    int n, H; std::vector<real> w, g, s[STATES_OF + 1]; std::vector<double> c; std::vector<int> touched;
    void open(const std::string& name, int n_, int H_) {
        n = n_; H = H_; w = load<real>(name + ".w"); g.assign((size_t)n*H, 0); touched.assign(n, 0);
        for (int k = 0; k < STATES_OF; k++) s[k] = load<real>(name + ".s" + std::to_string(k));
        c = load<double>(name + ".c");
    }
    void close(const std::string& name) {
        save(name + ".w.out", w); for (int k = 0; k < STATES_OF; k++) save(name + ".s" + std::to_string(k) + ".out", s[k]);
    }
    void commit(const int i, const int presentation) {
        real cc[8]; for (size_t k = 0; k < c.size() && k < 8; k++) cc[k] = c[k];
        const int elapsed = presentation - touched[i];
        const real inside = elapsed < 1 ? elapsed : 1, after = elapsed - inside;
        const real window = c.size() > 2 ? c[2] : 1, fade0 = std::exp(-inside/window), fade1 = std::exp(-after/window);
        const uint32_t key = mix(seed*31 + presentation); (void)key; (void)fade0; (void)fade1;
        commit_row(i, cc, inside, after, fade0, fade1, key);
        touched[i] = presentation;
    }
    void commit_row(const int i, const real* __restrict c, real inside, real after, real fade0, real fade1, uint32_t key) {
        const size_t row = (size_t)i*H; const int H = this->H;
        real *__restrict w = this->w.data() + row, *__restrict g = this->g.data() + row;
        ROWS
        #pragma GCC ivdep
        for (int k = 0; k < H; k++) { COMMIT g[k] = 0; }
    }
};
int main(int, char** arguments) {
    folder = arguments[1]; seed = mix(std::strtoul(arguments[2], NULL, 10)); const int count = std::atoi(arguments[3]);
    const std::vector<double> p = load<double>("constants");
    const int n_in = p[0], H = p[1], C = p[2], T = p[3], onset = std::ceil(p[4]);
    const real tm = p[5], ts = p[6], te = p[7], hc = p[9], hw = p[10], hb = p[11];
    const real rc = p[12], rw = p[13], rb = p[14], tied = p[15];
    const double target = p[16], other = p[17], scale = p[8];
    const std::vector<unsigned char> images = load<unsigned char>("images"), raster = load<unsigned char>("raster");
    const std::vector<int32_t> labels = load<int32_t>("labels");
    Projection hidden, readout; hidden.open("hidden", n_in, H); readout.open("readout", H, C);
    std::vector<float> gap(256, 0);  // mean steps between spikes, by brightness
    for (int b = 1; b < 256; b++) gap[b] = -1/std::log1p(-std::fmin(scale*b/255.0, 1 - 1e-7));
    const real ds = std::exp(-1/ts), dm = std::exp(-1/tm), de = std::exp(-1/te), gain = tm/(tm - ts)*(dm - ds);
    std::vector<real> v(H), cur(H), err(H), sig(H), rv(C), rcur(C), rerr(C), rsig(C);
    std::vector<double> phase(C);
    std::vector<int32_t> counts((size_t)count*C), events((size_t)T*n_in), fill(T), seen(H), spikes(H);
    std::vector<int32_t> fired(C), taught(C);
    for (int presentation = 0; presentation < count; presentation++) {
        std::fill(fill.begin(), fill.end(), 0);
        const size_t shown = presentation % labels.size();  // over and over
        const unsigned char* image = images.data() + shown*n_in;
        for (int i = 0; i < n_in; i++) {
            bool first = true;
            if (!raster.empty()) {
                for (int t = 0; t < T; t++) if (raster[((size_t)presentation*T + t)*n_in + i]) {
                    events[(size_t)t*n_in + fill[t]++] = i; first = false; }
            } else if (image[i]) {
                const float mean = gap[image[i]];
                for (float at = std::floor(exponential()*mean); at < T; at += 1 + std::floor(exponential()*mean)) {
                    const int t = at; events[(size_t)t*n_in + fill[t]++] = i; first = false; }
            }
            if (!first) hidden.commit(i, presentation);
        }
        std::fill(v.begin(), v.end(), 0); std::fill(cur.begin(), cur.end(), 0); std::fill(err.begin(), err.end(), 0);
        std::fill(rv.begin(), rv.end(), 0); std::fill(rcur.begin(), rcur.end(), 0); std::fill(rerr.begin(), rerr.end(), 0);
        std::fill(phase.begin(), phase.end(), 0); std::fill(seen.begin(), seen.end(), 0);
        const int label = labels[shown];
        for (int t = 0; t < T; t++) {
            real *__restrict V = v.data(), *__restrict I = cur.data(), *__restrict E = err.data(), *__restrict S = sig.data();
            const real on = t >= onset;
            for (int k = 0; k < H; k++) {
                V[k] = gain*I[k] + dm*V[k]; I[k] *= ds; E[k] *= de;
                S[k] = std::fabs(E[k]) >= hb && std::fabs(V[k] - hc) < hw ? on*E[k] : 0;
            }
            int n_spikes = 0, n_fired = 0, n_taught = 0;
            for (int k = 0; k < H; k++) { spikes[n_spikes] = k; n_spikes += V[k] > 1; }
            for (int k = 0; k < C; k++) {
                rv[k] = gain*rcur[k] + dm*rv[k]; rcur[k] *= ds; rerr[k] *= de;
                rsig[k] = std::fabs(rerr[k]) >= rb && std::fabs(rv[k] - rc) < rw ? on*rerr[k] : 0;
                phase[k] += k == label ? target : other;
                if (rv[k] > 1) { fired[n_fired++] = k; counts[(size_t)presentation*C + k]++; }
                if (phase[k] >= 1) taught[n_taught++] = k;
            }
            for (int e = 0; e < fill[t]; e++) {
                const size_t row = (size_t)events[(size_t)t*n_in + e]*H;
                const real* __restrict w = hidden.w.data() + row; real* __restrict g = hidden.g.data() + row;
                #pragma GCC ivdep
                for (int k = 0; k < H; k++) { I[k] += w[k]; g[k] += S[k]; }
            }
            for (int e = 0; e < n_spikes; e++) {
                const int i = spikes[e]; V[i] = 0;
                if (!seen[i]) { seen[i] = 1; readout.commit(i, presentation); }
                const real* __restrict w = readout.w.data() + (size_t)i*C; real* __restrict g = readout.g.data() + (size_t)i*C;
                for (int k = 0; k < C; k++) { rcur[k] += w[k]; g[k] += rsig[k]; }
            }
            for (int e = 0; e < n_fired; e++) {
                const int k = fired[e]; rv[k] = 0; rerr[k] += 1;
                for (int i = 0; i < H; i++) E[i] += tied*readout.w[(size_t)i*C + k];
            }
            for (int e = 0; e < n_taught; e++) {
                const int k = taught[e]; phase[k] -= 1; rerr[k] -= 1;
                for (int i = 0; i < H; i++) E[i] -= tied*readout.w[(size_t)i*C + k];
            }
        }
    }
    for (int i = 0; i < n_in; i++) hidden.commit(i, count);
    for (int i = 0; i < H; i++) readout.commit(i, count);
    save("counts", counts); hidden.close("hidden"); readout.close("readout");
    return 0;
}

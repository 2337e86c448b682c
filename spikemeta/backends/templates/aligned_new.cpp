
// Arrays begin at a cache line, which is also a whole vector: large blocks of the C library begin 16 bytes after one, and then
// every second vector of 32 bytes, and every one of 64, lies across two lines. Not in a sanitised build, whose own operators mark
// both ends of a block and match every new with its delete.
#ifndef __SANITIZE_ADDRESS__
#include <cstdlib>
#include <new>
void* operator new(std::size_t size) {
    void* place = NULL;
    if (size < 64)
        place = std::malloc(size ? size : 1);
    else if (posix_memalign(&place, 64, size))
        place = NULL;
    if (!place)
        throw std::bad_alloc();
    return place;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }
#endif

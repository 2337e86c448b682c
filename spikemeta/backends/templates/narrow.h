{# What all neurons or synapses share, in the precision of what is kept of each; Brian2's functions that widen it; and a truth as a
   number, which Brian2 takes through a whole one. #}
static inline float _narrow(const double _value) { return _value; }
template <typename _other> static inline _other _narrow(const _other _value) { return _value; }
static inline float _narrow_pow(const float _base, const int _power) { return _power == 2 ? _base*_base : std::pow(_base, (float)_power); }
static inline float _narrow_pow(const float _base, const float _power) { return std::pow(_base, _power); }
static inline float _narrow_clip(const float _value, const float _least, const float _most)
{
    return _value < _least ? _least : _value > _most ? _most : _value;
}
#ifndef SPIKEMETA_ONE
#define SPIKEMETA_ONE
__attribute__((weak)) double _one = 1;  // no constant that is known: what is not finite times no truth must not become 0
__attribute__((weak)) float _narrow_one = 1;
#endif
static inline int _whole(const bool _value) { return (int)_value; }
static inline double _whole(const double _value) { return std::trunc(_value); }  // not by way of an int: such loops stay scalar
static inline float _whole(const float _value) { return std::trunc(_value); }
template <typename _other> static inline _other _whole(const _other _value) { return _value; }
static inline double _truth(const bool _value) { return _value ? _one : 0.0; }
template <typename _other> static inline _other _truth(const _other _value) { return _whole(_value); }
static inline float _narrow_truth(const bool _value) { return _value ? _narrow_one : 0.0f; }
template <typename _other> static inline _other _narrow_truth(const _other _value) { return _whole(_value); }

// Arithmetic on sizes that come from outside: nothing wraps, nothing is cut off. nullopt = does not fit.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace decant {

template <typename T> std::optional<T> checkedMul(T a, T b) {
  static_assert(std::is_integral_v<T>);
  T result;
  return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional<T>(result);
}

template <typename T> std::optional<T> checkedAdd(T a, T b) {
  static_assert(std::is_integral_v<T>);
  T result;
  return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional<T>(result);
}

/// `value` rounded up to a multiple of `alignment`, a power of two that is ours, never a file's.
inline std::optional<uint64_t> checkedAlign(uint64_t value, uint64_t alignment) {
  std::optional<uint64_t> sum = checkedAdd(value, alignment - 1);
  return sum ? std::optional<uint64_t>(*sum & ~(alignment - 1)) : std::nullopt;
}

/// `value` as another integer type, if that type can hold it.
template <typename To, typename From> std::optional<To> checkedNarrow(From value) {
  static_assert(std::is_integral_v<To> && std::is_integral_v<From>);
  To result;
  return __builtin_add_overflow(value, From(0), &result) ? std::nullopt : std::optional<To>(result);
}

} // namespace decant

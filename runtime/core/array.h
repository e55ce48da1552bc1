// A growable array on malloc for trivially copyable elements, and objects made without operator new.
//
// Takes element counts; gives zeroed memory or `false` when there is none. Nothing here throws. The runtime allocates
// through malloc and mmap alone, so that a test can make the n-th allocation fail. Tested in tests/runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

namespace decant::rt {

template <class T> class Array {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  Array() = default;
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { std::free(items); }

  size_t size() const { return used; }
  bool empty() const { return used == 0; }
  T *data() { return items; }
  const T *data() const { return items; }
  T &operator[](size_t i) { return items[i]; }
  const T &operator[](size_t i) const { return items[i]; }
  T *begin() { return items; }
  T *end() { return items + used; }
  const T *begin() const { return items; }
  const T *end() const { return items + used; }
  void clear() { used = 0; }
  void pop() { --used; }
  void truncate(size_t n) { used = n < used ? n : used; }

  /// Room for n elements; false = out of memory, the array is unchanged.
  [[nodiscard]] bool reserve(size_t n) {
    if (n <= room)
      return true;
    size_t grown = room * 2 > n ? room * 2 : n;
    if (grown > SIZE_MAX / 2 / sizeof(T))
      return false;
    T *moved = static_cast<T *>(std::malloc(grown * sizeof(T)));
    if (!moved)
      return false;
    if (used)
      std::memcpy(static_cast<void *>(moved), items, used * sizeof(T));
    std::free(items);
    items = moved;
    room = grown;
    return true;
  }

  /// New elements are zero bytes.
  [[nodiscard]] bool resize(size_t n) {
    if (!reserve(n))
      return false;
    if (n > used)
      std::memset(static_cast<void *>(items + used), 0, (n - used) * sizeof(T));
    used = n;
    return true;
  }

  [[nodiscard]] bool push(const T &value) {
    T copy = value;
    if (!reserve(used + 1))
      return false;
    items[used++] = copy;
    return true;
  }

  [[nodiscard]] bool append(const T *from, size_t n) {
    if (n > PTRDIFF_MAX / sizeof(T) - used || !reserve(used + n))
      return false;
    if (n)
      std::memcpy(static_cast<void *>(items + used), from, n * sizeof(T));
    used += n;
    return true;
  }

private:
  T *items = nullptr;
  size_t used = 0, room = 0;
};

/// nullptr = out of memory.
template <class T> T *create() {
  void *memory = std::malloc(sizeof(T));
  return memory ? new (memory) T() : nullptr;
}

template <class T> void destroy(T *object) {
  if (!object)
    return;
  object->~T();
  std::free(object);
}

} // namespace decant::rt

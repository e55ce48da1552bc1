#include "runtime/core/eval_params.h"

namespace decant::rt {

EvalParams::~EvalParams() {
  for (void *block : memory)
    std::free(block);
}

decant_status EvalParams::collect(const decant_session &session, std::span<const RawTensor> inputs,
                                  const Message &message) {
  const Tables &tables = session.model->tables;
  for (const decant_param &param : tables.params()) {
    std::string_view name = tables.text(param.name); // NUL-terminated in the tables
    if (const RawTensor *tensor = findTensor(inputs, name))
      if (decant_status status = convert(param, name.data(), *tensor, message); status != DECANT_OK)
        return status;
  }
  return DECANT_OK;
}

decant_status EvalParams::convert(const decant_param &param, const char *name, const RawTensor &tensor,
                                  const Message &message) {
  const bool integer = tensor.type == RawI32 || tensor.type == RawI64;
  const bool real = tensor.type == RawF32 || tensor.type == RawF64;
  if (tensor.rank != param.rank || tensor.elements() == 0)
    return message.fail(DECANT_INVALID_ARGUMENT, "%s: rank %u with %llu elements, expected rank %u and at least one",
                        name, tensor.rank, static_cast<unsigned long long>(tensor.elements()), param.rank);
  if (param.type == DECANT_U8)
    if (decant_status status = checkFlags(tensor, message); status != DECANT_OK)
      return status;
  if ((param.type == DECANT_I32 && !integer) || (param.type == DECANT_F32 && !real))
    return message.fail(DECANT_INVALID_ARGUMENT, "%s: wrong type, expected %s", name,
                        param.type == DECANT_I32 ? "I32 or I64" : "F32 or F64");
  const uint64_t count = tensor.elements();
  void *data = std::malloc(count * typeBytes(param.type));
  if (!data || !memory.push(data)) {
    std::free(data);
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
  }
  for (uint64_t i = 0; i < count; ++i) {
    const double value = elementAt(tensor, i);
    if (param.type == DECANT_U8)
      static_cast<uint8_t *>(data)[i] = value != 0;
    else if (param.type == DECANT_F32)
      static_cast<float *>(data)[i] = static_cast<float>(value);
    else if (value < INT32_MIN || value > INT32_MAX)
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: element %llu is %.0f, beyond 32 bits", name,
                          static_cast<unsigned long long>(i), value);
    else
      static_cast<int32_t *>(data)[i] = static_cast<int32_t>(value);
  }
  decant_mask mask{name, data, {1, 1, 1, 1}, {0, 0, 0, 0}, static_cast<int32_t>(param.rank)};
  int64_t stride = 1;
  for (int i = static_cast<int>(param.rank) - 1; i >= 0; --i) {
    mask.extents[i] = static_cast<int64_t>(tensor.dims[i]);
    mask.strides[i] = tensor.dims[i] == 1 ? 0 : stride;
    stride *= mask.extents[i];
  }
  return list.push(mask) ? DECANT_OK : message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
}

} // namespace decant::rt

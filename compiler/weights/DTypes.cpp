#include "compiler/weights/DTypes.h"

using namespace decant;

static const DTypeInfo dtypes[] = {
    {"BOOL", DType::BOOL, 8},
    {"U8", DType::U8, 8},
    {"I8", DType::I8, 8},
    {"I16", DType::I16, 16},
    {"U16", DType::U16, 16},
    {"F16", DType::F16, 16},
    {"BF16", DType::BF16, 16},
    {"I32", DType::I32, 32},
    {"U32", DType::U32, 32},
    {"F32", DType::F32, 32},
    {"F64", DType::F64, 64},
    {"I64", DType::I64, 64},
    {"U64", DType::U64, 64},
    {"F4", DType::Other, 4},
    {"F6_E2M3", DType::Other, 6},
    {"F6_E3M2", DType::Other, 6},
    {"F8_E5M2", DType::Other, 8},
    {"F8_E4M3", DType::Other, 8},
    {"F8_E8M0", DType::Other, 8},
    {"F8_E4M3FNUZ", DType::Other, 8},
    {"F8_E5M2FNUZ", DType::Other, 8},
    {"C64", DType::Other, 64},
};

static const DTypeInfo other = {"other", DType::Other, 0};

const DTypeInfo *decant::findDType(std::string_view name) {
  for (const DTypeInfo &info : dtypes)
    if (info.name == name)
      return &info;
  return nullptr;
}

const DTypeInfo &decant::infoOf(DType type) {
  if (type != DType::Other)
    for (const DTypeInfo &info : dtypes)
      if (info.type == type)
        return info;
  return other;
}

std::string_view decant::name(DType type) { return infoOf(type).name; }
int64_t decant::elementBytes(DType type) { return static_cast<int64_t>(infoOf(type).bits / 8); }

// Mask and score functions: MaskExpr -> Halide. In: a well-typed tree. Out: one Expr; booleans are UInt(1).
// Invariant: no index leaves its parameter, whatever q and k are. Tested in tests/schedules/AttentionTest.cpp.
#include "schedules/algorithms/mask.h"

#include <stdexcept>

using namespace Halide;

namespace decant {
namespace {

// Towards minus infinity for either sign of b (Halide's own division is Euclidean); 0 when b is 0. The remainder is not
// written as a - floorDiv(a, b) * b: Halide 21 simplified (k - k / 4 * 4 == 0) to a comparison without k.
Expr floorDiv(Expr a, Expr b) { return select(b < 0, (-a) / (-b), a / b); }
Expr floorMod(Expr a, Expr b) { return select(b < 0, -((-a) % (-b)), a % b); }

class Translator {
public:
  Translator(const MaskIndices &at, const std::vector<MaskParam> &params, const std::vector<ImageParam> &images)
      : at(at), params(params), images(images) {}

  Expr operator()(const MaskExpr &e) const {
    if (e.args.empty() && e.op != "load")
      return leaf(e);
    std::vector<Expr> a;
    for (const MaskExpr &arg : e.args)
      a.push_back((*this)(arg));
    if (e.op == "load")
      return load(e, a);
    return e.type == MaskExpr::Type::Bool ? boolean(e.op, a) : number(e.op, a);
  }

private:
  Expr leaf(const MaskExpr &e) const {
    if (e.op == "int")
      return Expr(int32_t(e.intValue));
    if (e.op == "float")
      return Expr(float(e.floatValue));
    if (e.op == "bool")
      return e.intValue ? Internal::const_true() : Internal::const_false();
    return e.name == "b" ? at.b : e.name == "h" ? at.h : e.name == "q" ? at.q : at.k;
  }

  static Expr boolean(const std::string &op, const std::vector<Expr> &a) {
    if (op == "and" || op == "or") {
      Expr result = a[0];
      for (size_t i = 1; i < a.size(); ++i)
        result = op == "and" ? Internal::And::make(result, a[i]) : Internal::Or::make(result, a[i]);
      return result;
    }
    if (op == "not")
      return !a[0];
    if (op == "lt")
      return a[0] < a[1];
    if (op == "le")
      return a[0] <= a[1];
    if (op == "gt")
      return a[0] > a[1];
    if (op == "ge")
      return a[0] >= a[1];
    if (op == "eq")
      return a[0] == a[1];
    if (op == "ne")
      return a[0] != a[1];
    return select(a[0], a[1], a[2]);
  }

  static Expr number(const std::string &op, const std::vector<Expr> &a) {
    if (op == "add")
      return a[0] + a[1];
    if (op == "sub")
      return a[0] - a[1];
    if (op == "mul")
      return a[0] * a[1];
    if (op == "min")
      return min(a[0], a[1]);
    if (op == "max")
      return max(a[0], a[1]);
    if (op == "floordiv")
      return floorDiv(a[0], a[1]);
    if (op == "mod")
      return floorMod(a[0], a[1]);
    if (op == "select")
      return select(a[0], a[1], a[2]);
    if (op == "itof")
      return cast<float>(a[0]);
    if (op == "exp")
      return Internal::halide_exp(a[0]); // the inlined form: exp() of a scalar would call libm
    throw std::logic_error("mask operation '" + op + "' has no translation");
  }

  Expr load(const MaskExpr &e, const std::vector<Expr> &indices) const {
    for (size_t i = 0; i < params.size(); ++i) {
      if (params[i].name != e.name)
        continue;
      std::vector<Expr> place;
      for (size_t dim = 0; dim < indices.size(); ++dim)
        place.push_back(clamp(indices[indices.size() - 1 - dim], 0, images[i].dim(int(dim)).extent() - 1));
      Expr value = images[i](place);
      return params[i].type == "u8" ? value != cast<uint8_t>(0) : value;
    }
    throw std::logic_error("mask parameter '" + e.name + "' is not declared");
  }

  const MaskIndices &at;
  const std::vector<MaskParam> &params;
  const std::vector<ImageParam> &images;
};

} // namespace

std::vector<ImageParam> maskParamImages(const std::vector<MaskParam> &params) {
  std::vector<ImageParam> images;
  for (const MaskParam &param : params) {
    Type type = param.type == "u8" ? UInt(8) : param.type == "i32" ? Int(32) : Float(32);
    ImageParam image(type, param.rank, "mask_" + param.name);
    for (int dim = 0; dim < param.rank; ++dim)
      image.dim(dim).set_min(0);
    if (param.rank > 0)
      image.dim(0).set_stride(Expr());
    images.push_back(image);
  }
  return images;
}

Expr maskToHalide(const MaskExpr &expr, const MaskIndices &at, const std::vector<MaskParam> &params,
                  const std::vector<ImageParam> &images) {
  return Translator(at, params, images)(expr);
}

} // namespace decant

// Mask and score functions: MaskExpr -> Halide. In: a well-typed tree. Out: one Expr; booleans are UInt(1).
// Invariant: no index leaves its parameter, whatever q and k are. Tested in tests/schedules/AttentionTest.cpp.
#include "schedules/algorithms/mask.h"

#include <map>
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
  Translator(std::map<std::string, Expr> indices, const std::vector<MaskParam> &params,
             const std::vector<ImageParam> &images, const MaskTile *tile = nullptr,
             std::vector<Func> *searches = nullptr)
      : indices(std::move(indices)), params(params), images(images), tile(tile), searches(searches) {}

  Expr operator()(const MaskExpr &e) const {
    if (e.args.empty() && e.op != "load")
      return leaf(e);
    std::vector<Expr> a;
    for (const MaskExpr &arg : e.args)
      a.push_back((*this)(arg));
    if (e.op == "load")
      return load(e, a);
    if (e.op == "search")
      return search(e, a);
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
    return indices.at(e.name);
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

  size_t number(const std::string &name) const {
    for (size_t i = 0; i < params.size(); ++i)
      if (params[i].name == name)
        return i;
    throw std::logic_error("mask parameter '" + name + "' is not declared");
  }

  /// `place`: outermost first.
  Expr load(const MaskExpr &e, const std::vector<Expr> &place) const {
    const size_t i = number(e.name);
    std::vector<Expr> clamped;
    for (size_t dim = 0; dim < place.size(); ++dim)
      clamped.push_back(clamp(place[place.size() - 1 - dim], 0, images[i].dim(int(dim)).extent() - 1));
    Expr value = images[i](clamped);
    return params[i].type == "u8" ? value != cast<uint8_t>(0) : value;
  }

  /// Binary search, one bit of the count after the other: it grows while the last element counted is below the limit.
  Expr search(const MaskExpr &e, std::vector<Expr> place) const {
    Func found("found");
    RDom step(0, 25, "step");
    found(tile->head, tile->tile) = 0;
    Expr limit = place.back(), next = found(tile->head, tile->tile) + (1 << (24 - step));
    place.back() = next - 1;
    found(tile->head, tile->tile) = select(next <= images[number(e.name)].dim(0).extent() && load(e, place) < limit,
                                           next, found(tile->head, tile->tile));
    searches->push_back(found);
    return found(tile->head, tile->tile);
  }

  std::map<std::string, Expr> indices;
  const std::vector<MaskParam> &params;
  const std::vector<ImageParam> &images;
  const MaskTile *tile; ///< of a bound
  std::vector<Func> *searches;
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
  return Translator({{"b", at.b}, {"h", at.h}, {"q", at.q}, {"k", at.k}}, params, images)(expr);
}

Expr maskBoundToHalide(const MaskExpr &expr, const MaskTile &at, const std::vector<MaskParam> &params,
                       const std::vector<ImageParam> &images, std::vector<Func> &searches) {
  return Translator({{"b", at.b}, {"h", at.h}, {"q0", at.q0}, {"q1", at.q1}, {"n", at.n}}, params, images, &at,
                    &searches)(expr);
}

} // namespace decant

// See Rope.h. Formulas: transformers' modeling_rope_utils; powers and quotients in f32 where it has them in f32.
#include "compiler/config/Rope.h"
#include "compiler/config/Limits.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

using namespace decant;

namespace {

constexpr double kLargest = 1e12;

/// theta^(2 j / dim), f32.
std::vector<float> powers(double theta, int64_t dim) {
  std::vector<float> result;
  for (int64_t j = 0; j < dim / 2; ++j) {
    float exponent = static_cast<float>(2 * j) / static_cast<float>(dim);
    result.push_back(static_cast<float>(std::pow(static_cast<double>(static_cast<float>(theta)), exponent)));
  }
  return result;
}

std::vector<float> inverses(std::vector<float> values) {
  for (float &value : values)
    value = 1.0f / value;
  return values;
}

/// Keys of rope_scaling and rope_parameters, read from one of them.
struct Scaling {
  KeyReader &keys;
  double theta;
  int64_t dim, maxPositions;
  int64_t original = 0;
  RopeConfig result = {};

  double factor() { return keys.real("factor", 1, 1e-6, kLargest); }

  void linear() {
    auto by = static_cast<float>(factor());
    result.freqs = inverses(powers(theta, dim));
    for (float &freq : result.freqs)
      freq /= by;
  }

  void llama3() {
    auto by = static_cast<float>(factor());
    double low = keys.real("low_freq_factor", 1, 1e-6, kLargest),
           high = keys.real("high_freq_factor", 4, 1e-6, kLargest);
    if (!(low < high))
      keys.refuse(ExitCode::BadInput, "low_freq_factor",
                  fmt::format("{} is not below high_freq_factor = {}", low, high));
    auto context = static_cast<double>(original);
    result.freqs = inverses(powers(theta, dim));
    for (float &freq : result.freqs) {
      float wavelength = static_cast<float>(2 * std::numbers::pi) / freq;
      if (wavelength > static_cast<float>(context / low)) {
        freq /= by;
      } else if (wavelength >= static_cast<float>(context / high)) {
        float smooth =
            (static_cast<float>(context) / wavelength - static_cast<float>(low)) / static_cast<float>(high - low);
        freq = (1 - smooth) * (freq / by) + smooth * freq;
      }
    }
  }

  void yarn() {
    double by = factor(), fast = keys.real("beta_fast", 32, 1e-6, kLargest),
           slow = keys.real("beta_slow", 1, 1e-6, kLargest);
    double mscale = keys.real("mscale", 0, 0, kLargest), all = keys.real("mscale_all_dim", 0, 0, kLargest);
    bool truncate = keys.boolean("truncate", true);
    auto attention = [&](double weight) { return by <= 1 ? 1.0 : 0.1 * weight * std::log(by) + 1; };
    double given = keys.real("attention_factor", 0, 0, kLargest);
    result.factor = given > 0 ? given : mscale > 0 && all > 0 ? attention(mscale) / attention(all) : attention(1);

    // The angle that makes `rotations` turns over the original context.
    auto angleOf = [&](double rotations) {
      return static_cast<double>(dim) * std::log(static_cast<double>(original) / (rotations * 2 * std::numbers::pi)) /
             (2 * std::log(theta));
    };
    double low = angleOf(fast), high = angleOf(slow);
    if (truncate)
      low = std::floor(low), high = std::ceil(high);
    low = std::max(low, 0.0), high = std::min(high, static_cast<double>(dim - 1));
    if (low == high)
      high += 0.001;
    result.freqs = powers(theta, dim);
    for (size_t j = 0; j < result.freqs.size(); ++j) {
      float ramp = (static_cast<float>(j) - static_cast<float>(low)) / static_cast<float>(high - low);
      float keep = 1 - std::clamp(ramp, 0.0f, 1.0f), power = result.freqs[j];
      result.freqs[j] = 1 / (static_cast<float>(by) * power) * (1 - keep) + 1 / power * keep;
    }
  }

  std::vector<float> factors(const char *key) {
    std::vector<float> list;
    const json::Value *value = keys.take(key);
    bool valid = value && value->is(json::Kind::Array) && static_cast<int64_t>(value->items().size()) == dim / 2;
    for (size_t j = 0; valid && j < value->items().size(); ++j) {
      const json::Value &item = value->items()[j];
      valid = item.isNumber() && item.real() > 0 && item.real() <= kLargest;
      list.push_back(static_cast<float>(item.real()));
    }
    if (!valid) {
      keys.refuse(ExitCode::BadInput, key, fmt::format("expected a list of {} positive numbers", dim / 2));
      list.assign(static_cast<size_t>(dim / 2), 1.0f);
    }
    return list;
  }

  void longrope() {
    auto divide = [&](std::vector<float> by) {
      std::vector<float> base = powers(theta, dim);
      for (size_t j = 0; j < by.size(); ++j)
        by[j] = 1 / (by[j] * base[j]);
      return by;
    };
    result.freqs = divide(factors("short_factor"));
    result.longFreqs = divide(factors("long_factor"));
    result.original = original;
    double given = keys.real("attention_factor", 0, 0, kLargest);
    double by = keys.real("factor", static_cast<double>(maxPositions) / static_cast<double>(original), 1e-6, kLargest);
    double natural = by <= 1 ? 1.0 : std::sqrt(1 + std::log(by) / std::log(static_cast<double>(original)));
    result.factor = given > 0 ? given : natural;
  }

  void read(const std::string &type) {
    if (type == "default")
      result.freqs = inverses(powers(theta, dim));
    else if (type == "linear")
      linear();
    else if (type == "llama3")
      llama3();
    else if (type == "yarn")
      yarn();
    else if (type == "longrope" || type == "su") // its name in early files
      longrope();
    else
      keys.refuse(
          ExitCode::Unsupported, "rope_type",
          fmt::format("{} is not supported{}; known: default, linear, llama3, longrope, yarn", json::quote(type),
                      type == "dynamic" ? " (its angles change with the length: cached keys would be wrong)" : ""));
  }
};

/// rope_type, or "type" as older files say.
std::string readType(KeyReader &keys) {
  std::string old = keys.text("type", ""), name = keys.text("rope_type", old.empty() ? "default" : old);
  if (!old.empty() && old != name)
    keys.refuse(ExitCode::BadInput, "type",
                fmt::format("{} contradicts rope_type = {}", json::quote(old), json::quote(name)));
  return name;
}

} // namespace

RopeConfig decant::readRope(KeyReader &keys, int64_t headDim, int64_t maxPositions, const RopeDefaults &defaults) {
  double theta = keys.real("rope_theta", defaults.theta, 1e-3, kLargest);
  double partial = keys.real("partial_rotary_factor", defaults.partial, 0, 1);
  int64_t outer = keys.integerOrNull("original_max_position_embeddings", 0, 0, limits::context);
  const json::Value *scaling = keys.take("rope_scaling"), *parameters = keys.take("rope_parameters");
  auto isGiven = [](const json::Value *value) { return value && !value->is(json::Kind::Null); };
  if (isGiven(scaling) && isGiven(parameters))
    keys.refuse(ExitCode::BadInput, "rope_scaling", "stands beside rope_parameters; keep the one that is meant");
  const json::Value *given = isGiven(parameters) ? parameters : isGiven(scaling) ? scaling : nullptr;
  static const json::Value none = json::Value::container(json::Kind::Object);
  KeyReader nested(given ? *given : none,
                   fmt::format("{}: {}", keys.where(), isGiven(parameters) ? "rope_parameters" : "rope_scaling"));
  double inner = nested.real("rope_theta", theta, 1e-3, kLargest);
  if (keys.has("rope_theta") && inner != theta)
    nested.refuse(ExitCode::BadInput, "rope_theta",
                  fmt::format("{} contradicts the outer rope_theta = {}", inner, theta));
  partial = nested.real("partial_rotary_factor", partial, 0, 1);
  int64_t original = nested.integerOrNull("original_max_position_embeddings", maxPositions, 1, limits::context);
  auto dim = static_cast<int64_t>(static_cast<double>(headDim) * partial);
  if (dim < 2 || dim % 2 != 0)
    keys.refuse(ExitCode::Unsupported, "partial_rotary_factor",
                fmt::format("{} of {} columns turn, expected an even number of at least 2", dim, headDim));
  Scaling rope{nested, inner, std::max<int64_t>(dim / 2 * 2, 2), maxPositions, outer ? outer : original};
  rope.read(readType(nested));
  keys.adopt(nested);
  return rope.result;
}

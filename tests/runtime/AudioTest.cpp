// Whisper's front end: log-mel against transformers, the reading of WAV files, resampling.
#include "runtime/audio/audio.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numbers>
#include <random>
#include <string>
#include <vector>

using namespace decant::rt;

namespace {

std::vector<float> signal(const std::string &name, size_t count) {
  std::vector<float> samples(count, 0.0f);
  uint32_t state = 12345;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const double t = static_cast<double>(i) / 16000;
    if (name == "noise")
      samples[i] = static_cast<float>((state >> 16) / 32768.0 - 1.0) * 0.25f;
    else if (name == "sweep")
      samples[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * (100 * t + 3000 * t * t / 2)));
  }
  return samples;
}

TEST(Audio, LogMelIsTransformers) {
  std::ifstream file(DECANT_TESTS "/golden/audio.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    auto golden = nlohmann::json::parse(line);
    const auto mels = golden[1].get<uint32_t>();
    const std::vector<float> samples = signal(golden[0], golden[2]);
    Array<float> features;
    ASSERT_TRUE(logMel(samples.data(), samples.size(), mels, 3000, features));
    ASSERT_EQ(features.size(), 3000u * mels);
    for (const auto &probe : golden[3])
      EXPECT_NEAR(features[probe[1].get<size_t>() * mels + probe[0].get<size_t>()], probe[2].get<float>(), 1e-4f)
          << golden[0] << " " << probe;
  }
  EXPECT_GE(cases, 6);
}

/// A WAV file, byte by byte.
struct Wav {
  uint16_t tag = 1, channels = 1, bits = 16;
  uint32_t rate = 16000;
  std::vector<int16_t> samples{0, 16384, -32768, 32767};
  std::string before, sub; ///< chunks before the format, the sub-format of an extensible one

  static std::string number(uint64_t value, int bytes) {
    std::string text;
    for (; bytes--; value >>= 8)
      text += static_cast<char>(value & 255);
    return text;
  }
  std::string format() const {
    return number(tag, 2) + number(channels, 2) + number(rate, 4) + number(rate * channels * bits / 8, 4) +
           number(channels * bits / 8, 2) + number(bits, 2) + sub;
  }
  std::string bytes() const {
    std::string data(reinterpret_cast<const char *>(samples.data()), samples.size() * 2);
    std::string body =
        "WAVE" + before + "fmt " + number(format().size(), 4) + format() + "data" + number(data.size(), 4) + data;
    return "RIFF" + number(body.size(), 4) + body;
  }
};

struct Parsed {
  decant_status status;
  std::string message;
  std::vector<float> samples;
  uint32_t rate = 0;
};

Parsed parse(const std::string &bytes) {
  // A buffer of its own size: reading beyond it is seen by AddressSanitizer.
  std::vector<uint8_t> data(bytes.begin(), bytes.end());
  char text[256] = "";
  Array<float> samples;
  Parsed parsed{};
  parsed.status = parseWav(data.data(), data.size(), "x.wav", {text, sizeof text}, samples, &parsed.rate);
  parsed.message = text;
  parsed.samples.assign(samples.begin(), samples.end());
  return parsed;
}

TEST(Audio, ReadsWav) {
  Wav wav;
  EXPECT_EQ(parse(wav.bytes()).samples, (std::vector<float>{0, 0.5f, -1, 32767 / 32768.0f}));
  EXPECT_EQ(parse(wav.bytes()).rate, 16000u);
  wav.channels = 2;
  EXPECT_EQ(parse(wav.bytes()).samples, (std::vector<float>{0.25f, -1 / 65536.0f})) << "channels are averaged";
  wav = {};
  wav.before = "LIST" + Wav::number(3, 4) + std::string("abc\0", 4); // an odd chunk is padded
  EXPECT_EQ(parse(wav.bytes()).samples.size(), 4u);
  wav = {};
  wav.tag = 0xfffe;
  wav.sub = Wav::number(22, 2) + Wav::number(16, 2) + Wav::number(4, 4) + Wav::number(1, 2) + std::string(14, 'g');
  EXPECT_EQ(parse(wav.bytes()).samples.size(), 4u) << "extensible";
  std::string cut = Wav().bytes();
  EXPECT_EQ(parse(cut.substr(0, cut.size() - 3)).samples.size(), 2u) << "what is there of a file that was cut";
}

TEST(Audio, RefusesOtherFiles) {
  auto refused = [](const std::string &bytes, const char *found) {
    Parsed parsed = parse(bytes);
    EXPECT_EQ(parsed.status, DECANT_INVALID_ARGUMENT) << found;
    EXPECT_EQ(parsed.message.find("x.wav: "), 0u) << parsed.message;
    EXPECT_NE(parsed.message.find(found), std::string::npos) << parsed.message;
    EXPECT_NE(parsed.message.find("expected a WAV file of 16-bit PCM"), std::string::npos) << parsed.message;
  };
  refused("", "no RIFF WAVE file");
  refused("OggS and so on, long enough for a header", "no RIFF WAVE file");
  refused(std::string("RIFF\0\0\0\0AVI LIST", 16), "no RIFF WAVE file");
  refused(std::string("RIFF\0\0\0\0WAVE", 12), "no \"fmt \" chunk");
  Wav wav;
  wav.bits = 8;
  refused(wav.bytes(), "format 1 with 8 bits");
  wav = {}, wav.tag = 3, wav.bits = 32;
  refused(wav.bytes(), "format 3 with 32 bits");
  wav = {}, wav.tag = 0xfffe; // without its sub-format
  refused(wav.bytes(), "format 65534");
  wav = {}, wav.channels = 0;
  refused(wav.bytes(), "0 channels");
  wav = {}, wav.channels = 65535;
  refused(wav.bytes(), "65535 channels");
  wav = {}, wav.rate = 0;
  refused(wav.bytes(), "a rate of 0 Hz");
  wav = {}, wav.rate = 4000000000u;
  refused(wav.bytes(), "a rate of 4000000000 Hz");
  wav = {}, wav.samples.clear();
  refused(wav.bytes(), "no samples");
  std::string huge = Wav().bytes();
  huge.replace(huge.find("fmt ") + 4, 4, "\xff\xff\xff\xff"); // a chunk that claims 4 GiB
  refused(huge, "no \"fmt \" chunk");
  for (size_t length = 0; length < Wav().bytes().size(); ++length)
    (void)parse(Wav().bytes().substr(0, length)); // no read beyond the end
}

TEST(Audio, DamagedFilesAreRefusedOrRead) {
  std::mt19937 random(13);
  int refusals = 0;
  Wav wav;
  wav.before = "LIST" + Wav::number(3, 4) + std::string("abc\0", 4);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = wav.bytes();
    for (uint32_t i = 0; i <= random() % 3; ++i)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 4 ? random() : 0xff);
    if (random() % 4 == 0)
      bytes.resize(random() % bytes.size());
    const Parsed parsed = parse(bytes);
    refusals += parsed.status != DECANT_OK;
    if (parsed.status == DECANT_OK) {
      EXPECT_LE(parsed.samples.size(), bytes.size()) << "seed 13, round " << round;
      EXPECT_GT(parsed.rate, 0u) << "seed 13, round " << round;
    }
  }
  EXPECT_GT(refusals, 1000) << "seed 13";
  EXPECT_LT(refusals, 19000) << "seed 13";
}

TEST(Audio, ResamplesCleanly) {
  for (uint32_t rate : {8000u, 11025u, 22050u, 44100u, 48000u, 96000u}) {
    constexpr double kTone = 1000;
    Array<float> from, to;
    ASSERT_TRUE(from.resize(rate)); // a second
    for (size_t i = 0; i < from.size(); ++i)
      from[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * kTone * static_cast<double>(i) / rate));
    ASSERT_TRUE(resample(from, rate, to));
    EXPECT_EQ(to.size(), 16000u) << rate;
    double error = 0, power = 0;
    for (size_t i = 1000; i + 1000 < to.size(); ++i) { // the ends have no neighbours
      const double wanted = 0.5 * std::sin(2 * std::numbers::pi * kTone * static_cast<double>(i) / 16000);
      error += (static_cast<double>(to[i]) - wanted) * (static_cast<double>(to[i]) - wanted);
      power += wanted * wanted;
    }
    EXPECT_GE(10 * std::log10(power / error), 80) << rate << " Hz: signal to noise in dB";
  }
}

TEST(Audio, WhatIsTooHighIsGone) {
  Array<float> from, to;
  ASSERT_TRUE(from.resize(48000));
  for (size_t i = 0; i < from.size(); ++i) // 12 kHz would come back as 4 kHz
    from[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 12000 * static_cast<double>(i) / 48000));
  ASSERT_TRUE(resample(from, 48000, to));
  for (size_t i = 1000; i + 1000 < to.size(); ++i)
    ASSERT_LT(std::abs(to[i]), 1e-4f) << i;
}

} // namespace

// What the sanitizers are there to find, on purpose: sanitizers_test.py proves with it that a report fails a test.
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace {

int use_after_free() {
  volatile int* number = new int(1);
  delete number;
  return *number;
}

int overflow() {
  volatile int number = INT_MAX;
  return number + 1;
}

int leak() {
  static volatile int* lost;
  lost = new int[100];
  lost = nullptr;
  return 0;
}

int race() {
  int number = 0;
  std::thread other([&number] { ++number; });
  ++number;
  other.join();
  return number;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 2 ? argv[1] : "";
  if (kind == "use-after-free") std::printf("%d\n", use_after_free());
  if (kind == "overflow") std::printf("%d\n", overflow());
  if (kind == "leak") std::printf("%d\n", leak());
  if (kind == "race") std::printf("%d\n", race());
  return 0;
}

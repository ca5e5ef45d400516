// The load, cheaply: sockets that the parent opened and logged in, as descriptors 3…, driven by a plan on stdin; what was seen goes to stdout.
// Frames are told apart by their headers and one byte of payload; nothing is parsed. The plan's words are those of plan.mjs.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vector>
using namespace std;

struct Frame { string bytes; size_t idAt; unsigned char mask; };
struct Speaker { size_t client; vector<Frame> frames; uint64_t said = 0; };
struct Group {
  uint64_t perMessage, window, perSecond, sent = 0, received = 0;
  vector<Speaker> speakers;
  vector<double> sentAt;
};
struct Client { int fd = 0; size_t group = 0; int sleeps = 0; string awaits, rest, out; uint64_t heard = 0; bool touched = false, blocked = false; };

static bool isNats;
static vector<Client> clients;
static vector<Group> groups;
static vector<size_t> touched;
static vector<float> latencies;
static uint64_t deliveries;
static int phase = -1, poller;
static char buffer[1 << 20];

static double micros() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

[[noreturn]] static void fail(const string &why) {
  fprintf(stderr, "%s\n", why.c_str());
  exit(1);
}

static void send(Client &client, const char *bytes, size_t size) {
  client.out.append(bytes, size);
  if (!client.touched) touched.push_back(&client - clients.data());
  client.touched = true;
}

// The next message of a group: its speakers take turns, and each message of a speaker gets the next id.
static void say(Group &group) {
  Speaker &speaker = group.speakers[group.sent++ % group.speakers.size()];
  Frame &frame = speaker.frames[speaker.said % speaker.frames.size()];
  uint64_t id = speaker.said++;
  for (int i = 8; frame.idAt > 0 && i >= 0; i--, id /= 10) frame.bytes[frame.idAt + i] = char('0' + id % 10) ^ frame.mask;
  if (group.perSecond > 0) group.sentAt.push_back(micros());
  send(clients[speaker.client], frame.bytes.data(), frame.bytes.size());
}

static void flush() {
  for (size_t i : touched) {
    Client &client = clients[i];
    client.touched = false;
    ssize_t written = write(client.fd, client.out.data(), client.out.size());
    if (written < 0 && errno != EAGAIN) fail("a connection broke");
    client.out.erase(0, max<ssize_t>(written, 0));
    if (client.out.empty() == client.blocked) {
      client.blocked = !client.blocked;
      epoll_event event{uint32_t(client.blocked ? EPOLLIN | EPOLLOUT : EPOLLIN), {.u64 = i}};
      epoll_ctl(poller, EPOLL_CTL_MOD, client.fd, &event);
    }
  }
  touched.clear();
}

static void hear(Client &client, const char *payload, size_t size, char kind) {
  if (kind == 'E') fail(string(payload, min<size_t>(size, 400)));
  if (kind != 'M' || (!client.awaits.empty() && !memmem(payload, size, client.awaits.data(), client.awaits.size()))) return;
  if (client.sleeps > 0) return;
  Group &group = groups[client.group];
  deliveries++;
  if (group.perSecond > 0) {
    if (phase > 0) latencies.push_back(micros() - group.sentAt[client.heard]);
    client.heard++;
  } else if (++group.received % group.perMessage == 0) say(group);
}

// A WebSocket frame or a NATS operation at `at`: handles it and gives where the next one begins, or 0 when some of it is still to come.
static size_t frameAt(Client &client, const char *data, size_t length) {
  if (isNats) {
    auto end = static_cast<const char *>(memchr(data, '\n', length));
    if (!end) return 0;
    size_t next = end - data + 1;
    if (data[0] == 'P' && data[1] == 'I') send(client, "PONG\r\n", 6);
    if (data[0] == '-') hear(client, data, next, 'E');
    if (data[0] != 'M') return next;
    const char *size = end - 1;
    while (size[-1] != ' ') size--;
    size_t total = next + strtoul(size, nullptr, 10) + 2;
    if (total > length) return 0;
    hear(client, data + next, total - next, 'M');
    return total;
  }
  if (length < 2) return 0;
  auto byte = [&](size_t i) { return size_t(static_cast<unsigned char>(data[i])); };
  size_t size = byte(1), start = size < 126 ? 2 : size == 126 ? 4 : 10;
  if (start > length) return 0;
  if (size == 126) size = byte(2) << 8 | byte(3);
  else if (size == 127) for (size = 0, start = 2; start < 10; start++) size = size << 8 | byte(start);
  if (start + size > length) return 0;
  const char *payload = data + start;
  switch (byte(0) & 15) {
    case 1: hear(client, payload, size, size > 9 ? payload[9] : ' '); break;
    case 8: {
      int code = size < 2 ? 1005 : int(byte(start) << 8 | byte(start + 1));
      if (client.sleeps == 0) fail("the server closed a connection: " + to_string(code) + " " + string(payload + 2, max<size_t>(size, 2) - 2));
      printf("closed %d\n", code);
      break;
    }
    case 9: {
      string pong{char(0x8a), char(0x80 | size), 0, 0, 0, 0};
      pong.append(payload, size);
      send(client, pong.data(), pong.size());
    }
  }
  return start + size;
}

// What the kernel holds for a client: false when there is no more to come.
static bool take(Client &client) {
  size_t kept = client.rest.size();
  memcpy(buffer, client.rest.data(), kept);
  ssize_t got = read(client.fd, buffer + kept, sizeof buffer - kept);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  size_t length = kept + got, at = 0;
  while (size_t size = frameAt(client, buffer + at, length - at)) at += size;
  client.rest.assign(buffer + at, length - at);
  return true;
}

static void sample(double at) {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  printf("sample %.0f %lu %.0f\n", at, deliveries, cpu);
  fflush(stdout);
}

// "=" and hex digits.
static string unhex(const string &text) {
  string bytes;
  for (size_t i = 1; i + 1 < text.size(); i += 2) bytes += char(stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

static vector<double> readPlan() {
  vector<double> phases;
  for (string word; cin >> word && word != "go";) {
    string text, more;
    if (word == "wire") {
      cin >> text;
      isNats = text == "nats";
    } else if (word == "phase") {
      phases.emplace_back();
      cin >> phases.back();
    } else if (word == "group") {
      Group &group = groups.emplace_back();
      cin >> group.perMessage >> group.window >> group.perSecond;
    } else if (word == "client") {
      Client &client = clients.emplace_back();
      client.fd = int(clients.size()) + 2;
      cin >> client.group >> client.sleeps >> text >> more;
      client.awaits = unhex(text);
      client.rest = unhex(more);
    } else if (word == "speaker") {
      cin >> groups.back().speakers.emplace_back().client;
    } else if (word == "frame") {
      Frame &frame = groups.back().speakers.back().frames.emplace_back();
      int mask;
      cin >> frame.idAt >> mask >> text;
      frame.mask = mask;
      frame.bytes = unhex(text);
    } else fail("the plan says " + word);
  }
  return phases;
}

int main() {
  prctl(PR_SET_TIMERSLACK, 1000);
  vector<double> phases = readPlan();
  poller = epoll_create1(0);
  for (size_t i = 0; i < clients.size(); i++) {
    fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
    epoll_event event{EPOLLIN, {.u64 = i}};
    epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event);
  }
  for (Group &group : groups) for (uint64_t i = 0; i < group.window; i++) say(group);
  double startedAt = micros(), until = startedAt;
  vector<epoll_event> events(1024);
  for (;;) {
    double now = micros();
    if (now >= until) {
      if (phase >= 0) sample(now);
      if (++phase == int(phases.size())) break;
      until = now + phases[phase] * 1e3;
      for (Client &client : clients) if (client.sleeps > 0 && client.sleeps == phase) epoll_ctl(poller, EPOLL_CTL_DEL, client.fd, nullptr);
    }
    bool paced = false;
    for (size_t i = 0; i < groups.size(); i++) {
      if (groups[i].perSecond == 0) continue;
      paced = true;
      // Not all groups at the same moment.
      while (groups[i].sent < (now - startedAt) / 1e6 * groups[i].perSecond - double(i) / groups.size()) say(groups[i]);
    }
    flush();
    // Waking up for every single frame would cost more than reading it, the server too: what comes within a moment is read together.
    if (!paced) usleep(100);
    int count = epoll_wait(poller, events.data(), int(events.size()), paced ? 1 : max(1, min(100, int((until - now) / 1e3))));
    for (int i = 0; i < count; i++) {
      Client &client = clients[events[i].data.u64];
      if (events[i].events & EPOLLOUT) send(client, "", 0);
      if (!take(client)) fail("the server ended a connection");
    }
  }
  if (!latencies.empty()) {
    auto at = [](double part) { auto nth = latencies.begin() + long((latencies.size() - 1) * part); nth_element(latencies.begin(), nth, latencies.end()); return *nth; };
    printf("latency %.0f %.0f\n", at(0.5), at(0.99));
  }
  // Whoever slept wakes up now, and finds out whether it was closed.
  for (Client &client : clients) {
    if (client.sleeps == 0) continue;
    fcntl(client.fd, F_SETFL, 0);
    timeval patience{1, 0};
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (errno = 0; take(client) && errno == 0;) continue;
  }
}

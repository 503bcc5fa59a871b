// MQTT.js in its ordinary use, through one listener with one version. Settings: url, version, ca, lasting (its client id).

const assert = require('node:assert/strict')
const {readFileSync} = require('node:fs')
const mqtt = require('mqtt')

const settings = JSON.parse(process.argv[2])
const newer = settings.version === 5
const here = `js/${settings.lasting}`
const DEADLINE = 10_000

class Client {
  constructor(options = {}) {
    this.heard = []
    this.wakers = []
    this.client = mqtt.connect(settings.url, {
      protocolVersion: settings.version,
      protocolId: settings.version === 3 ? 'MQIsdp' : 'MQTT',
      ca: settings.ca ? readFileSync(settings.ca) : undefined,
      reconnectPeriod: 0,
      ...options,
    })
    this.client.on('message', (topic, payload, packet) => {
      this.heard.push({topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain, properties: packet.properties})
      this.wakers.splice(0).forEach(wake => wake())
    })
    this.failed = new Promise(resolve => this.client.on('error', resolve))
    this.ended = new Promise(resolve => this.client.on('disconnect', resolve))
    this.connected = new Promise(resolve => this.client.on('connect', resolve))
  }

  async enter() {
    this.connack = await inTime(Promise.race([this.connected, this.failed.then(error => { throw error })]), 'CONNACK')
    return this
  }

  // The next so many messages.
  async receive(count) {
    while (this.heard.length < count) {
      await inTime(new Promise(resolve => this.wakers.push(resolve)), `message ${this.heard.length + 1} of ${count}`)
    }
    return this.heard.splice(0, count)
  }

  publish(topic, payload, options) { return inTime(this.client.publishAsync(topic, payload, options), 'acknowledgement') }
  subscribe(filters, options) { return inTime(this.client.subscribeAsync(filters, options), 'SUBACK') }
  unsubscribe(filters) { return inTime(this.client.unsubscribeAsync(filters), 'UNSUBACK') }
  leave() { return inTime(this.client.endAsync(), 'end') }
  cut() { this.client.stream.destroy() }
}

function inTime(promise, what) {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no ${what}`)), DEADLINE) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function ordinaryDay() {
  const dies = await new Client({will: {topic: `${here}/will`, payload: 'gone', qos: 1}}).enter()
  const [sink, source] = await Promise.all([new Client().enter(), new Client().enter()])
  await source.publish(`${here}/kept`, 'old', {qos: 1, retain: true})
  const granted = await sink.subscribe({[`${here}/+`]: {qos: 2}, [`${here}/deep/#`]: {qos: 1}})
  assert.deepEqual(granted.map(each => each.qos).sort(), [1, 2])
  const [kept] = await sink.receive(1)
  assert.deepEqual([kept.topic, kept.payload, kept.retain], [`${here}/kept`, 'old', true])
  for (const qos of [0, 1, 2]) {
    for (let number = 0; number < 20; number++) await source.publish(`${here}/x`, `${qos} ${number}`, {qos})
  }
  const got = await sink.receive(60)
  for (const qos of [0, 1, 2]) {
    const mine = got.filter(each => each.qos === qos).map(each => each.payload)
    assert.deepEqual(mine, Array.from({length: 20}, (_, number) => `${qos} ${number}`))
  }
  const large = 'x'.repeat(700_000)
  await source.publish(`${here}/deep/er`, large, {qos: 2})
  assert.equal((await sink.receive(1))[0].payload, large)
  dies.cut()
  assert.equal((await sink.receive(1))[0].payload, 'gone')
  await sink.unsubscribe(`${here}/+`)
  await source.publish(`${here}/x`, 'unheard', {qos: 1})
  await source.publish(`${here}/deep`, 'heard', {qos: 1})
  assert.equal((await sink.receive(1))[0].payload, 'heard')
  await source.publish(`${here}/kept`, '', {qos: 1, retain: true})
  await Promise.all([sink.leave(), source.leave()])
}

async function lastingSession() {
  const options = {clientId: settings.lasting, clean: false, properties: newer ? {sessionExpiryInterval: 300} : undefined}
  let sink = await new Client(options).enter()
  assert(!sink.connack.sessionPresent)
  await sink.subscribe(`${here}/queued`, {qos: 2})
  await sink.leave()
  const source = await new Client().enter()
  for (let number = 0; number < 20; number++) await source.publish(`${here}/queued`, `${number}`, {qos: 1 + number % 2})
  sink = new Client(options)
  await sink.enter()
  // 3.1 has no word for it.
  assert.equal(sink.connack.sessionPresent, settings.version > 3)
  const got = await sink.receive(20)
  assert.deepEqual(got.map(each => +each.payload).sort((a, b) => a - b), Array.from({length: 20}, (_, number) => number))
  const another = await new Client({...options, clean: true}).enter()
  assert(!another.connack.sessionPresent)
  if (newer) assert.equal((await inTime(sink.ended, 'DISCONNECT')).reasonCode, 0x8e)
  await Promise.all([another.leave(), source.leave()])
}

async function itsOwnReconnecting() {
  const sink = await new Client({reconnectPeriod: 10}).enter()
  await sink.subscribe(`${here}/again`, {qos: 1})
  const again = new Promise(resolve => sink.client.once('connect', resolve))
  sink.cut()
  await inTime(again, 'second CONNACK')
  // It sends its subscriptions again by itself; this one is answered after those.
  await sink.subscribe(`${here}/other`, {qos: 1})
  await sink.publish(`${here}/again`, 'back', {qos: 1})
  assert.equal((await sink.receive(1))[0].payload, 'back')
  await sink.leave()
}

async function refused() {
  const client = new Client({username: 'ada', password: 'wrong'})
  const error = await inTime(client.failed, 'refusal')
  assert([4, 5, 0x86, 0x87].includes(error.code), error.message)
  await client.leave()
}

async function properties() {
  const sink = await new Client({properties: {topicAliasMaximum: 5, receiveMaximum: 3, maximumPacketSize: 5000}}).enter()
  const source = await new Client({autoAssignTopicAlias: true}).enter()
  assert(source.connack.properties.topicAliasMaximum > 0)
  const wanted = {qos: 1, nl: true, rap: true, rh: 0, properties: {subscriptionIdentifier: 9, userProperties: {a: 'b'}}}
  await sink.subscribe(`${here}/five/#`, wanted)
  await sink.publish(`${here}/five/own`, 'not heard by itself', {qos: 1})
  const sent = {
    payloadFormatIndicator: true, messageExpiryInterval: 60, contentType: 'text/plain', responseTopic: 'reply',
    correlationData: Buffer.from([1, 2]), userProperties: {k: ['v', 'w'], l: 'x'},
  }
  await source.publish(`${here}/five/x`, 'x', {qos: 1, retain: true, properties: sent})
  const [got] = await sink.receive(1)
  assert.equal(got.retain, true)
  assert.equal(got.properties.subscriptionIdentifier, 9)
  assert.deepEqual({...got.properties.userProperties}, sent.userProperties)
  for (const name of ['payloadFormatIndicator', 'contentType', 'responseTopic']) assert.equal(got.properties[name], sent[name])
  assert.deepEqual(got.properties.correlationData, sent.correlationData)
  await source.publish(`${here}/five/x`, '', {qos: 1, retain: true})
  await source.publish(`${here}/five/x`, 'x'.repeat(6000), {qos: 1})
  for (let number = 0; number < 10; number++) await source.publish(`${here}/five/x`, `${number}`, {qos: 1 + number % 2})
  const rest = (await sink.receive(11)).map(each => each.payload)
  assert.deepEqual(rest.sort(), ['', ...Array.from({length: 10}, (_, number) => `${number}`)])
  const again = await sink.subscribe(`$share/g/${here}/five/jobs`, {qos: 1})
  assert.equal(again[0].qos, 1)
  await assert.rejects(source.publish('spaces/town_square/elsewhere', 'x', {qos: 1}), {code: 0x87})
  await Promise.all([sink.leave(), source.leave()])
}

async function main() {
  const stories = [ordinaryDay, lastingSession, itsOwnReconnecting, refused, ...(newer ? [properties] : [])]
  for (const story of stories) {
    console.log(JSON.stringify(story.name))
    await story()
  }
  console.log(JSON.stringify(stories.length))
}

main().catch(error => { console.error(error); process.exit(1) })

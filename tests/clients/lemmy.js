// lemmy-js-client 1.0.14 runs every operation that it has, over HTTP or over a WebSocket.
// Settings: url (of the API), door (`http` or `ws`), boss (an administrator, with the password `pw`).

const assert = require('node:assert/strict')
const WebSocket = require('ws')
const {LemmyHttp, LemmyWebsocket} = require('lemmy-js-client')

const settings = JSON.parse(process.argv[2])
const DEADLINE = 10_000
// It writes every request to the log; the last line is ours.
const answer = console.log
console.log = () => {}

const called = new Set()

class OverHttp {
  constructor() { this.client = new LemmyHttp(settings.url) }
  async open() { return this }
  async ask(name, form) { return await this.client[name](form) }
  close() {}
}

class OverWebSocket {
  constructor() {
    this.client = new LemmyWebsocket()
    this.frames = []
    this.wakers = []
  }

  async open() {
    this.socket = new WebSocket(`${settings.url.replace('http', 'ws')}/ws`)
    this.socket.on('message', data => {
      this.frames.push(JSON.parse(data.toString()))
      this.wakers.splice(0).forEach(wake => wake())
    })
    await new Promise((resolve, reject) => this.socket.on('open', resolve).on('error', reject))
    return this
  }

  async next() {
    while (this.frames.length === 0) {
      let timer
      const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('no answer')), DEADLINE) })
      await Promise.race([new Promise(resolve => this.wakers.push(resolve)), late])
      clearTimeout(timer)
    }
    return this.frames.shift()
  }

  async ask(name, form) {
    const request = this.client[name](form)
    this.socket.send(request)
    const reply = await this.next()
    if (reply.error) return reply
    assert.equal(reply.op, JSON.parse(request).op)
    return reply.data
  }

  close() { this.socket.close() }
}

const make = () => (settings.door === 'ws' ? new OverWebSocket() : new OverHttp()).open()

async function main() {
  const one = await make()
  const run = async (name, form = {}) => {
    called.add(name)
    const data = await one.ask(name, form)
    assert.equal(data.error, undefined, `${name}: ${data.error}`)
    return data
  }
  const refused = async (name, form, code) => {
    called.add(name)
    assert.equal((await one.ask(name, form)).error, code)
  }
  const own = name => `${name}_${settings.door}`
  const register = async name => (await run('register', {
    username: own(name), email: `${own(name)}@example.org`, password: 'pw', password_verify: 'pw', admin: false, show_nsfw: true,
  })).jwt

  // The site
  const boss = (await run('login', {username_or_email: settings.boss, password: 'pw'})).jwt
  const site = {name: 'Town', enable_downvotes: true, open_registration: true, enable_nsfw: true, auth: boss}
  if ((await run('getSite')).site === null) await run('createSite', site)
  await refused('createSite', site, 'site_already_exists')
  assert.equal((await run('editSite', {...site, description: 'd'})).site.description, 'd')
  const text = `{ # ${settings.door}\n}\n`
  assert.equal((await run('saveSiteConfig', {config_hjson: text, auth: boss})).config_hjson, text)
  assert.equal((await run('getSiteConfig', {auth: boss})).config_hjson, text)
  assert.equal((await run('listCategories')).categories.length, 26)

  // People
  const ann = await register('ann')
  const bob = await register('bob')
  const idOf = async (name, auth) => (await run('getUserDetails', {
    username: own(name), sort: 'New', saved_only: false, auth,
  })).user.id
  const annId = await idOf('ann', ann)
  const bobId = await idOf('bob', bob)
  const mine = {
    show_nsfw: true, theme: 'darkly', default_sort_type: 1, default_listing_type: 0, lang: 'browser', show_avatars: true,
    send_notifications_to_email: false, bio: 'unknown here', auth: ann,
  }
  assert.ok((await run('saveUserSettings', mine)).jwt)
  assert.deepEqual(await run('passwordReset', {email: `${own('bob')}@example.org`}), {})
  await refused('passwordChange', {token: 'x', password: 'a', password_verify: 'a'}, 'couldnt_update_user')

  // Communities
  const form = {name: own('garden'), title: 'Garden', category_id: 12, nsfw: false}
  const made = (await run('createCommunity', {...form, auth: ann})).community
  const here = {community_id: made.id}
  assert.equal((await run('editCommunity', {...form, edit_id: made.id, title: 'Gardens', auth: ann})).community.title, 'Gardens')
  assert.equal((await run('getCommunity', {name: form.name, auth: bob})).community.id, made.id)
  assert.equal((await run('followCommunity', {...here, follow: true, auth: bob})).community.subscribed, true)
  const followed = (await run('getFollowedCommunities', {auth: bob})).communities
  assert.ok(followed.some(each => each.community_id === made.id))
  assert.ok((await run('listCommunities', {sort: 'TopAll', limit: 50})).communities.length >= 2)
  const moderators = (await run('addModToCommunity', {...here, user_id: bobId, added: true, auth: ann})).moderators
  assert.deepEqual(moderators.map(each => each.user_id), [annId, bobId])
  await run('addModToCommunity', {...here, user_id: bobId, added: false, auth: ann})
  await run('banFromCommunity', {...here, user_id: bobId, ban: true, reason: 'r', auth: ann})
  await run('banFromCommunity', {...here, user_id: bobId, ban: false, auth: ann})

  // Posts
  const post = (await run('createPost', {name: 'Roses', body: 'red', nsfw: false, ...here, auth: ann})).post
  assert.equal(post.my_vote, 1)
  assert.equal((await run('editPost', {name: 'Tulips', nsfw: false, edit_id: post.id, auth: ann})).post.name, 'Tulips')
  assert.equal((await run('likePost', {post_id: post.id, score: -1, auth: bob})).post.score, 0)
  assert.equal((await run('savePost', {post_id: post.id, save: true, auth: bob})).post.saved, true)
  const listing = {type_: 'All', sort: 'Hot', limit: 20}
  assert.deepEqual((await run('getPosts', {...listing, ...here, auth: bob})).posts.map(each => each.id), [post.id])

  // Comments
  const said = {content: `yellow, /u/${own('bob')}`, post_id: post.id, auth: ann}
  const comment = (await run('createComment', said)).comment
  const edited = await run('editComment', {content: `blue, @${own('bob')}`, edit_id: comment.id, auth: ann})
  assert.ok(edited.comment.content.startsWith('blue'))
  await run('createComment', {content: 'why?', post_id: post.id, parent_id: comment.id, auth: bob})
  assert.equal((await run('likeComment', {comment_id: comment.id, score: 1, auth: bob})).comment.score, 2)
  assert.equal((await run('saveComment', {comment_id: comment.id, save: true, auth: bob})).comment.saved, true)
  assert.equal((await run('getComments', {...listing, ...here})).comments.length, 2)
  const seen = await run('getPost', {id: post.id, auth: bob})
  assert.deepEqual([seen.post.number_of_comments, seen.comments.length, seen.post.my_vote], [2, 2, -1])

  // The inbox
  const unread = {sort: 'New', unread_only: true}
  assert.equal((await run('getReplies', {...unread, auth: ann})).replies[0].content, 'why?')
  assert.equal((await run('getUserMentions', {...unread, auth: bob})).mentions[0].id, comment.id)
  const letter = (await run('createPrivateMessage', {content: 'hello', recipient_id: bobId, auth: ann})).message
  const changed = await run('editPrivateMessage', {edit_id: letter.id, content: 'bye', auth: ann})
  assert.equal(changed.message.content, 'bye')
  assert.equal((await run('getPrivateMessages', {unread_only: true, auth: bob})).messages[0].content, 'bye')
  assert.deepEqual(await run('markAllAsRead', {auth: bob}), {replies: []})
  assert.deepEqual((await run('getPrivateMessages', {unread_only: true, auth: bob})).messages, [])

  // One step each
  const steps = async (name, form, flag, kind, auth) => {
    for (const value of [true, false]) {
      const changed = (await run(name, {...form, [flag]: value, auth}))[kind]
      assert.equal(changed[flag], value, name)
    }
  }
  const [ofPost, ofComment, ofHere] = [post, comment, made].map(each => ({edit_id: each.id}))
  await steps('deletePost', ofPost, 'deleted', 'post', ann)
  await steps('removePost', {...ofPost, reason: 'r'}, 'removed', 'post', boss)
  await steps('lockPost', ofPost, 'locked', 'post', ann)
  await steps('stickyPost', ofPost, 'stickied', 'post', ann)
  await steps('deleteComment', ofComment, 'deleted', 'comment', ann)
  await steps('removeComment', {...ofComment, reason: 'r'}, 'removed', 'comment', boss)
  const why = (await run('getReplies', {sort: 'New', unread_only: false, auth: ann})).replies[0]
  await steps('markCommentAsRead', {edit_id: why.id}, 'read', 'comment', ann)
  const mention = (await run('getUserMentions', {sort: 'New', unread_only: false, auth: bob})).mentions[0]
  await steps('markUserMentionAsRead', {user_mention_id: mention.user_mention_id}, 'read', 'mention', bob)
  await steps('markPrivateMessageAsRead', {edit_id: letter.id}, 'read', 'message', bob)
  await steps('deletePrivateMessage', {edit_id: letter.id}, 'deleted', 'message', ann)
  await steps('deleteCommunity', ofHere, 'deleted', 'community', ann)
  await steps('removeCommunity', {...ofHere, reason: 'r'}, 'removed', 'community', boss)
  const live = settings.door === 'ws'
  assert.deepEqual(await run('postJoin', {post_id: post.id}), {joined: live})
  assert.deepEqual(await run('communityJoin', here), {joined: live})
  assert.equal((await run('userJoin', {auth: bob})).user_id, bobId)
  assert.equal((await run('getCaptcha')).ok, null)

  // What an application leaves undefined is absent, whatever the client makes of it.
  const nothing = {page: undefined, limit: undefined, auth: undefined}
  assert.deepEqual((await run('getPosts', {type_: 'All', sort: 'New', ...here, ...nothing})).posts.map(each => each.id), [post.id])
  assert.ok((await run('getComments', {type_: 'All', sort: 'New', community_id: undefined, ...nothing})).comments.length >= 2)
  assert.equal((await run('getCommunity', {id: made.id, name: undefined, auth: undefined})).community.id, made.id)
  assert.equal((await run('getCommunity', {id: undefined, name: form.name, auth: undefined})).community.user_id, null)
  const shown = {username: own('ann'), user_id: undefined, sort: 'New', saved_only: undefined, community_id: undefined}
  assert.equal((await run('getUserDetails', {...shown, ...nothing})).user.id, annId)
  assert.ok((await run('getModlog', {mod_user_id: undefined, community_id: undefined, ...nothing})).banned.length >= 0)
  assert.ok((await run('listCommunities', {sort: 'Hot', ...nothing})).communities.length >= 2)
  await run('getReplies', {...unread, page: undefined, limit: undefined, auth: ann})
  await run('getPrivateMessages', {unread_only: true, page: undefined, limit: undefined, auth: bob})

  const found = await run('search', {q: 'tulips', type_: 'All', sort: 'TopAll', auth: bob})
  assert.ok(found.posts.some(each => each.id === post.id))

  // Order
  await run('banUser', {user_id: bobId, ban: true, reason: 'r', auth: boss})
  await refused('createPost', {name: 'x', nsfw: false, ...here, auth: bob}, 'site_ban')
  await run('banUser', {user_id: bobId, ban: false, auth: boss})
  assert.equal((await run('addAdmin', {user_id: annId, added: true, auth: boss})).admins.at(-1).id, annId)
  await run('addAdmin', {user_id: annId, added: false, auth: boss})
  assert.equal((await run('transferCommunity', {...here, user_id: bobId, auth: ann})).community.creator_id, bobId)
  await refused('transferSite', {user_id: bobId, auth: ann}, 'not_an_admin')
  const log = await run('getModlog', {limit: 50})
  assert.ok(log.banned.length >= 2 && log.added.length >= 2)

  if (live) await crossing(one, post, ann, bob, bobId)
  assert.ok((await run('deleteAccount', {password: 'pw', auth: bob})).jwt)

  one.close()
  return [...called].sort()
}

// Two live connections: what is said through one is heard through the other, with whom it is for.
async function crossing(one, post, ann, bob, bobId) {
  const other = await make()
  assert.equal((await other.ask('userJoin', {auth: bob})).user_id, bobId)
  await other.ask('getPost', {id: post.id})
  await one.ask('createComment', {content: `@bob_ws`, post_id: post.id, auth: ann})
  const heard = [await other.next(), await other.next()]
  assert.deepEqual(heard.map(each => each.op), ['CreateComment', 'CreateComment'])
  assert.deepEqual(heard.map(each => each.data.recipient_ids), [[], [bobId]])
  await one.ask('createPrivateMessage', {content: 'psst', recipient_id: bobId, auth: ann})
  assert.equal((await other.next()).data.message.content, 'psst')
  other.close()
}

main().then(names => answer(JSON.stringify({called: names})))

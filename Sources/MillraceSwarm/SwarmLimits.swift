/// The numbers of the policy, with the reason of each; the figures behind them come from simulation.
public enum SwarmLimits {
    /// Sources a peer asks: its download neighbour and seven chords. Fewer let one slow peer hold up the rest of a
    /// small ring, and make the ways round a large one long.
    public static let sourceCount = 8
    /// Requests outstanding at all sources together. More park in busy queues: 10 cost 3 % more than 6 at 1,000 peers
    /// and 1 % at 16; fewer than 5 starve the downlink.
    public static let requestWindow = 6
    /// Requests that take longer than so many times the usual time leave room for others, up to half as many again.
    public static let overdueServiceTimes: UInt64 = 1
    /// Requests outstanding at one source: one on the wire, one waiting behind it.
    public static let requestWindowPerSource = 2
    /// The same where there are at most two sources to spread over.
    public static let requestWindowPerFewSources = 4
    /// On a ring of so many members, up to a large one, fewer sources, and one request at each: what waits behind
    /// another might come sooner from elsewhere, and an uplink shared by five has sent a chunk in 5/7 of the time that
    /// seven take, after which the next can pass it on (the slowest of 32 peers at 25 Mbit/s: 1.11 to 1.13 times the
    /// bound, with seven 1.12 to 1.19). Four do as well there, but not with 16, nor where links differ.
    public static let middlingRingCount = 12
    public static let middlingSourceCount = 5
    /// There sources are compared each time they have given so many chunks in the mean. One is weak when half of them
    /// give more than so many times as much, and until they give no more than so many times as much. Before anybody
    /// stood in for one, the five readers of a peer at a quarter of the rate, of 16, took 1.15 to 1.20 times the bound,
    /// now 1.08 to 1.10.
    public static let comparedChunkCount = 16
    public static let weakTimes = 3
    public static let weakAgainTimes = 2
    /// A peer compares how many chunks it got with how many the owner handed out, or once that is all with how many its
    /// fastest neighbour got, each time that are so many; with less than so many tenths of them, so many times in a
    /// row, it falls behind.
    public static let comparedAdvance = 64
    public static let starvedTenths = 9
    public static let starvedComparisons = 2
    /// Then it tries others beside the sources that the ring gives it, and keeps so many. Uplinks of 0.3 to 3 times the
    /// rate: the slowest of 12, 16, 64, 256 peers took 1.20, 1.24, 1.46, 1.42 times the bound, now 1.12 to 1.28.
    public static let extraSourceLimit = 3
    /// One is kept if it gives so many chunks, and so many come in all, in so many times the usual time from a request
    /// to its chunk, and so many times as fast as before: a new connection gives more at first, of which others to a
    /// full downlink give less.
    public static let trialAnswerCount = 4
    public static let trialGain = 8
    public static let trialServiceTimes: UInt64 = 2
    public static let trialRateTimes = 1.1
    /// After each in vain, twice as many comparisons pass without a trial as after the one before, and so many at most:
    /// a slow downlink looks the same until somebody was tried.
    public static let longestTrialPause = 16
    /// There, and on a large ring, a peer is behind once so many of its sources hold so many chunks that it lacks; two
    /// requests at each then leave no gap between one chunk and the next.
    public static let behindSourceCount = 3
    public static let behindChunkCount = 7
    /// Credits a peer keeps with the owner: one chunk on the wire, one to follow.
    public static let creditWindow = 2
    /// No gigabit link carries so much: a node that takes more has processors that are scarce, not a link, and every
    /// message and wake-up is for several chunks. Below it depth costs more than messages do.
    public static let fastBytesPerSecond: UInt64 = 120_000_000
    /// There all windows are so many times as large, and are filled up again once half of them is empty: five peers on
    /// two processors then need a fifth less of them; links of a gigabit would lose 0.4 % of their time to it.
    public static let fastWindowTimes = 5
    /// Chunks that go in one announcement there.
    public static let fastAnnounceBatch = 16
    /// No window grows beyond this, in requests and in bytes, however short a chunk's time is.
    public static let largestWindow = 1024
    public static let largestWindowByteCount = 8 * 1024 * 1024
    /// Windows cover this much of a node's own arrival rate, which is many round trips of a LAN.
    public static let windowNanoseconds: UInt64 = 3_000_000
    /// Or so many round trips, where that is longer. A window of what arrives stays as small as it is: one peer at
    /// 200 Mbit/s with 20 ms there and back took 3.1 times the bound, with four round trips 1.13.
    public static let windowRoundTrips: UInt64 = 4
    /// No link of the kind this is for is longer; what was measured more was a queue.
    public static let longestRoundTripNanoseconds: UInt64 = 250_000_000

    /// A peer with this many granted chunks that nobody else has seen waits behind those with fewer.
    public static let unreplicatedGate = 2
    /// Of a peer that is far ahead of all others, who are busy with what it has, so many count at most: of two peers
    /// the one with a link of a quarter was given as much as it took, passed less on, and the other took 1.4 times the
    /// bound. With none, who joins late goes short (two peers, simulated: 1.14 in place of 1.01).
    public static let aloneUnreplicatedLimit = 8
    /// A grant that its peer does not list after this time, or four times the usual or its own usual, whichever is
    /// longest, is offered to others: one second copy costs less than a swarm that waits for a frozen machine. Of 4,760
    /// grants to healthy peers one took longer, the longest of the others 0.77 of it; with sixteen times, 15 of 16
    /// peers at 50 Mbit/s waited up to 1.6 s at the end.
    public static let shortestGrantPatienceNanoseconds: UInt64 = 400_000_000
    public static let grantPatienceTimes: UInt64 = 4
    /// One that has listed nothing yet may have a link of another kind, and has so many times the usual.
    public static let newcomerPatienceTimes: UInt64 = 16
    /// What a peer told the owner of in so long before it fell silent may have reached no neighbour, whose news wait
    /// behind chunks: of five at 200 Mbit/s all others waited 0.4 to 1 s for such a chunk in three of eight runs. That,
    /// and no more chunks, is offered again: a peer that only stood still for a moment has the rest for others.
    public static let unheardNanoseconds: UInt64 = 250_000_000
    public static let unheardListedLimit = 16
    /// How often in the time that a grant has to be listed the owner looks for those that list what they are granted,
    /// and of whom nobody gets it.
    public static let muteChecksPerPatience: UInt64 = 4
    /// Rescues of a peer's grants after which it is granted only what nobody else can take.
    public static let strikeLimit = 2
    /// Peers that must accuse another of bad chunks before the owner evicts it: one could be the liar itself.
    public static let accuserLimit = 2
    /// Members that the owner told in vain to ask another, after which what that one lists counts for nothing.
    public static let doubterLimit = 2
    /// Members that one may accuse: who calls more of them liars is one.
    public static let accusedLimit = 4
    /// Numbers that members from one address may use up: of 16,384, and a machine that loses its connection each minute
    /// takes two days for so many.
    public static let numbersPerHost = 4096

    /// Members in a row from one address that took chunks and listed none, after which the next must list one first:
    /// more than a rack of machines behind one address loses at once.
    public static let wasteLimit = 16
    /// Of so many chunks one may go to such a member while others wait: it may be a good one.
    public static let suspectShare = 64
    /// Addresses remembered for that; an attacker with more of them is not held back.
    public static let wastingHostLimit = 1024

    /// A request is late after this time or four times the usual service time, whichever is longer.
    public static let shortestHedgeNanoseconds: UInt64 = 100_000_000
    public static let hedgeServiceTimes: UInt64 = 4
    /// The same for the last requests, once a source that could answer them has nothing to do: the last chunk of a peer
    /// was asked of a source at a quarter of the rate, and fifteen others had it.
    public static let endHedgeServiceTimes: UInt64 = 2
    /// The same before any request was answered: the link may be a slow one.
    public static let firstHedgeNanoseconds: UInt64 = 1_000_000_000
    /// And a chunk a large one: it may take as long as at this rate.
    public static let slowestBytesPerSecond: UInt64 = 1_000_000
    /// A source that refuses so many requests and answers none in between is left: it may list chunks and refuse them
    /// for ever.
    public static let refusalLimit = 16
    /// Refusals that are remembered, so that advice to ask there is answered at once.
    public static let rememberedRefusalCount = 64
    /// A chunk rescued within so many hedge periods is on its way; others are sent to whoever got it.
    public static let rescueHedgePeriods: UInt64 = 4

    /// A peer that still lacks chunks, and for so many hedge periods waits for nothing, asks the owner: one fell silent
    /// that had told the owner of a chunk and no neighbour. With four, all waited 1.2 s for it at the end.
    public static let strandedHedgePeriods: UInt64 = 2
    /// A peer that was told to ask others so many times in a row, and got nothing, reaches nobody: the owner sends it
    /// what it lacks.
    public static let vainAskLimit = 3
    /// After so many rescues in a row there is nobody else to wait for: the next is asked for at once.
    public static let rescueStreakLimit = 4
    /// A rescued chunk is not sent to the same peer again for this time, whatever it says: it is on its connection.
    public static let rescuePatienceNanoseconds: UInt64 = 30_000_000_000
    /// Chunks that a peer may get by rescue and not list yet: it asks for one at a time, and gives up waiting for some.
    public static let unlistedRescueLimit = 16
    /// A chunk that was asked for in vain so often, and is late once more, is the owner's to help with, whoever else
    /// lists it: two that list it and send nothing would be asked in turn for ever.
    public static let vainRequestLimit = 2
    /// Sources that may have a request for one chunk to answer, cancelled or not: the first, the one asked instead, and
    /// the one that the owner named.
    public static let unansweredLimit = 3
    /// Each time in a row that a request was late and nothing came at all, the next may take twice as long: the link
    /// may be slow. No more often than this.
    public static let hedgeDoublingLimit = 4
    /// And no more often than this once it is known how long an answer takes.
    public static let hedgeDoublingLimitOnceAnswered = 2

    /// A chunk that takes this long to leave makes the owner send to few peers at a time, so that whole chunks arrive
    /// early somewhere; below it, taking turns costs more than it gains.
    public static let turnTakingNanoseconds: UInt64 = 2_000_000
    /// A chunk that takes so many times the usual time to leave sits at a slow reader, and its turn goes to another.
    /// With fewer, connections that are still in slow start lose theirs to those that are not.
    public static let turnPatienceTimes: UInt64 = 4
    /// Peers the owner sends to at a time where it takes turns: half of them, within these bounds. With fewer the
    /// uplink idles whenever they are busy with what others send them (2 cost up to 50 % where buffers are small); with
    /// as many as there are peers it would no longer choose.
    public static let fewestUplinkTurns = 2
    public static let mostUplinkTurns = 8

    /// A peer that has so many chunks fewer than another, and so many more for each member of the ring, is a newcomer
    /// that is busy with them: on a ring that all joined at once a peer is half of that behind the owner.
    public static let farBehindChunkCount = 32
    public static let farBehindChunksPerMember = 2
    /// The last chunks are not for a peer that passes them on later than all others are out, and so many times the
    /// usual time besides: one at a quarter of the rate made all wait for a second and a half.
    public static let lateEndTimes: UInt64 = 2

    /// Over so many chunks for each turn the owner measures what its link carries. Chunks under way leave all at once
    /// or one by one: with a quarter of this the best window was better than the link by a third.
    public static let tempoWindowTurns: UInt64 = 16
    /// Once its link could have sent so many chunks more, the owner waits for no better reader. With two, peers that
    /// pass little on get more than they should (five with uplinks of all sorts, simulated: 1.50 times the bound, with
    /// three 1.27, waiting always 1.23); waiting always, the first of 16 that join one by one takes 1.2 times the
    /// bound in place of 1.13 to 1.2.
    public static let owedTurnsThatDoNotWait = 3

    /// On a ring of more members than this, depth costs more than messages: fewer requests, one credit with the owner,
    /// each chunk announced for itself.
    public static let largeRingCount = 64
    /// The owner hears of two at a time, and so after the neighbours: of one who falls silent in between it must not
    /// believe that others can get the chunk there.
    public static let leastOwnerAnnounceBatch = 2
    /// Announcements go out at least so far apart, and never wait longer than the second for company.
    public static let shortestAnnounceNanoseconds: UInt64 = 4_000_000
    public static let longestAnnounceNanoseconds: UInt64 = 100_000_000
    /// The owner hears from each peer once in as many of its chunks as there are peers for each of these: all together
    /// then cost the owner four packets for each chunk it sends, however many they are.
    public static let ownerAnnounceShare = 4

    /// The owner sends digests ahead of the chunks it hands out: twice as far as it has come, within these bounds. All
    /// at once they would be what a newcomer waits for first, and with many peers a part of the uplink.
    public static let shortestDigestLead: UInt32 = 64
    public static let longestDigestLead: UInt32 = 2048
}

// A bot for Rooms: it answers "echo: ..." to each message in its rooms, and to each message once.
//
//	go mod init bot && go get github.com/coder/websocket
//	go run bot.go http://localhost:8080 bot@example.com "a password"
//
// With --kit it speaks with the conformance kit (docs/conformance.md). The protocol is in docs/protocol.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	maxFrameRooms = 250              // A Resume frame has at most 16 KB.
	maxSilence    = 60 * time.Second // Heads comes every 25 s, so a silent connection is dead.
	httpTimeout   = 15 * time.Second
)

// frame has the fields of every frame that the bot reads.
type frame struct {
	Command    string              `json:"command"`
	ID         string              `json:"id"`
	RoomID     string              `json:"roomId"`
	UserID     string              `json:"userId"`
	TargetID   string              `json:"targetId"`
	Text       string              `json:"text"`
	Seq        int                 `json:"seq"`
	Ref        string              `json:"ref"`
	Code       string              `json:"code"`
	Retry      string              `json:"retry"`
	RetryAfter float64             `json:"retryAfter"`
	Epoch      string              `json:"epoch"`
	More       bool                `json:"more"`
	User       struct{ ID string } `json:"user"`
	Rooms      json.RawMessage     `json:"rooms"`
}

type room struct {
	ID    string `json:"id"`
	Seq   int    `json:"seq"`
	Since int    `json:"since"`
}

type resume struct {
	Command string         `json:"command"`
	Epoch   string         `json:"epoch,omitempty"`
	Rooms   map[string]int `json:"rooms"`
	More    bool           `json:"more,omitempty"`
}

// command has no outcome yet. It keeps its ref until it has one.
type command struct {
	Command string `json:"command"`
	RoomID  string `json:"roomId"`
	Text    string `json:"text"`
	Ref     string `json:"ref"`
	key     int
	// The connection that may bring the outcome.
	connection *connection
	refusals   int
}

// connection is one socket. After GoingAway there are two for some time.
type connection struct {
	socket     *websocket.Conn
	isReady    bool // True after the last Welcome.
	isLeaving  bool
	leaving    chan struct{}
	ended      chan struct{}
	closeCode  int
	retryAfter float64
}

// refused is the answer to an HTTP request that Rooms has refused.
type refused struct {
	Code       string `json:"code"`
	Retry      string `json:"retry"`
	retryAfter float64
}

func (r *refused) Error() string { return r.Code }

// client misses no message, and sends each command until it has its outcome. Only the goroutine of run uses the fields
// after events; other goroutines send it functions.
type client struct {
	url, email, password string
	onMessage            func(message frame)
	onOutcome            func(of *command, outcome map[string]any)
	onLoaded             func(roomID string, seq int)
	events               chan func()
	failures             atomic.Int32
	token                atomic.Value

	userID    string
	epoch     string
	positions map[string]int     // For each room, the seq of the last message that is handled.
	filling   map[string]bool    // Rooms for which a Resume is on its way.
	held      map[string][]frame // Messages that wait until the history of their room is loaded.
	loads     map[string]int     // Counts the loads of each room: only the last one counts.
	mustLoad  bool               // True after the close code 4001.
	pending   []*command         // The commands without an outcome, in their order.
	current   *connection        // The connection for new commands.
}

func newClient(url, email, password string) *client {
	c := &client{url: url, email: email, password: password, events: make(chan func(), 64)}
	c.positions, c.filling = map[string]int{}, map[string]bool{}
	c.held, c.loads = map[string][]frame{}, map[string]int{}
	c.token.Store("")
	return c
}

func (c *client) run() {
	go c.stayConnected()
	for event := range c.events {
		event()
	}
}

// in runs a function in the goroutine of run, and waits for its end.
func (c *client) in(action func()) {
	done := make(chan struct{})
	c.events <- func() { action(); close(done) }
	<-done
}

// stayConnected returns when only a person can remove the cause of the last close.
func (c *client) stayConnected() {
	for {
		wait, isFinal := c.connectOnce()
		if isFinal {
			return
		}
		// A random time, so that the clients of a gateway do not all come back together.
		limit := math.Min(30, 2*math.Pow(2, float64(c.failures.Add(1)-1)))
		sleep(wait + mathrand.Float64()*limit)
	}
}

// connectOnce returns when the connection has ended or leaves, with the seconds to wait before the next one.
func (c *client) connectOnce() (wait float64, isFinal bool) {
	if c.token.Load() == "" {
		if err := c.logIn(); err != nil {
			return afterError(err)
		}
	}
	header := http.Header{"Authorization": {"Bearer " + c.token.Load().(string)}}
	options := &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"rooms.v1"}}
	ctx, cancel := context.WithTimeout(context.Background(), httpTimeout)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, strings.Replace(c.url, "http", "ws", 1)+"/api/ws?resume=true", options)
	if err != nil {
		return retryAfter(response), false
	}
	socket.SetReadLimit(-1)
	conn := &connection{socket: socket, leaving: make(chan struct{}), ended: make(chan struct{})}
	var hello []resume
	c.in(func() { hello = c.resumeFrames() })
	for _, part := range hello {
		conn.send(part)
	}
	go c.receive(conn)
	select {
	case <-conn.leaving:
		return 0, false
	case <-conn.ended:
		return c.afterClose(conn)
	}
}

func afterError(err error) (wait float64, isFinal bool) {
	var refusal *refused
	if !errors.As(err, &refusal) {
		return 0, false // No gateway answers.
	}
	if refusal.Retry == "no" {
		fmt.Fprintln(os.Stderr, "the login was refused:", refusal.Code)
	}
	return refusal.retryAfter, refusal.Retry == "no"
}

func (c *client) afterClose(conn *connection) (wait float64, isFinal bool) {
	code := conn.closeCode
	switch {
	case code == 4001:
		c.in(func() { c.epoch, c.mustLoad, c.positions = "", true, map[string]int{} })
	case code == 4401:
		c.token.Store("")
	case code >= 4400 && code < 4500:
		return 0, true
	case code >= 4100 && code < 4200:
		return math.Max(conn.retryAfter, 1.5), false
	}
	return 0, false
}

func (c *client) resumeFrames() []resume {
	frames := []resume{{Command: "Resume", Epoch: c.epoch, Rooms: map[string]int{}}}
	for roomID, seq := range c.positions {
		if last := &frames[len(frames)-1]; len(last.Rooms) == maxFrameRooms {
			last.More = true
			frames = append(frames, resume{Command: "Resume", Epoch: c.epoch, Rooms: map[string]int{}})
		}
		frames[len(frames)-1].Rooms[roomID] = seq
	}
	return frames
}

// receive reads the frames of one connection until it ends.
func (c *client) receive(conn *connection) {
	defer close(conn.ended)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), maxSilence)
		_, data, err := conn.socket.Read(ctx)
		cancel()
		if err != nil {
			conn.closeCode = int(websocket.CloseStatus(err))
			conn.socket.CloseNow()
			c.in(func() { c.lose(conn) })
			return
		}
		var received frame
		if json.Unmarshal(data, &received) == nil {
			c.in(func() { c.handle(received, conn) })
		}
	}
}

func (c *client) handle(f frame, conn *connection) {
	switch f.Command {
	case "Welcome":
		c.welcome(f, conn)
	case "Ack":
		c.finish(f, conn)
	case "Error":
		c.refuse(f, conn)
	case "GoingAway":
		if !conn.isLeaving {
			conn.isLeaving = true
			close(conn.leaving)
		}
	case "Resync":
		c.load(f.RoomID, f.Seq)
	case "Left":
		delete(c.positions, f.RoomID)
	case "Heads":
		var heads map[string]int
		_ = json.Unmarshal(f.Rooms, &heads)
		for roomID, head := range heads {
			if seq, isKnown := c.positions[roomID]; isKnown && head > seq {
				c.fill(roomID, conn)
			}
		}
	case "Resumed":
		clear(c.filling)
		c.failures.Store(0)
	default:
		if f.UserID != "" && f.Seq > 0 {
			c.take(f, conn)
		}
	}
}

func (c *client) welcome(f frame, conn *connection) {
	var rooms []room
	_ = json.Unmarshal(f.Rooms, &rooms)
	c.userID = f.User.ID
	isNewEpoch := f.Epoch != c.epoch
	c.mustLoad = c.mustLoad || (isNewEpoch && c.epoch != "")
	for _, r := range rooms {
		if _, isKnown := c.positions[r.ID]; isNewEpoch || !isKnown {
			c.positions[r.ID] = r.Seq
			if !isNewEpoch && r.Since > 0 {
				c.positions[r.ID] = r.Since - 1 // The stream begins with the AddUser message.
			}
		}
		if c.mustLoad {
			c.load(r.ID, r.Seq)
		}
	}
	if f.More {
		return
	}
	c.epoch, c.mustLoad = f.Epoch, false
	clear(c.filling)
	old := c.current
	c.current, conn.isReady = conn, true
	c.sendPending()
	c.closeIfDone(old)
}

func (c *client) take(message frame, conn *connection) {
	seq, isKnown := c.positions[message.RoomID]
	if isKnown && message.Seq <= seq {
		return // A copy.
	}
	isOwn := message.TargetID == c.userID
	isStart := (message.Command == "AddUser" && isOwn) || (message.Command == "CreateRoom" && message.UserID == c.userID)
	if !isStart && message.Seq != seq+1 {
		c.fill(message.RoomID, conn)
		return
	}
	c.positions[message.RoomID] = message.Seq
	if message.Command == "DeleteRoom" || (message.Command == "RemoveUser" && isOwn) {
		delete(c.positions, message.RoomID)
	}
	if messages, isHeld := c.held[message.RoomID]; isHeld {
		c.held[message.RoomID] = append(messages, message)
	} else {
		c.onMessage(message)
	}
}

// fill asks for the messages after the position, once.
func (c *client) fill(roomID string, conn *connection) {
	seq, isKnown := c.positions[roomID]
	if !isKnown || c.filling[roomID] {
		return
	}
	c.filling[roomID] = true
	conn.send(resume{Command: "Resume", Epoch: c.epoch, Rooms: map[string]int{roomID: seq}})
}

// load reads the history of a room. Its messages wait meanwhile.
func (c *client) load(roomID string, seq int) {
	c.positions[roomID] = seq
	delete(c.filling, roomID)
	c.held[roomID] = []frame{}
	c.loads[roomID]++
	load := c.loads[roomID]
	go func() {
		pageSeq := c.readHistory(roomID, seq)
		c.in(func() {
			if c.loads[roomID] == load {
				c.endLoad(roomID, pageSeq)
			}
		})
	}()
}

// readHistory returns the seq up to which the history is complete, or -1 if the user has left the room.
func (c *client) readHistory(roomID string, seq int) int {
	for {
		var messages []frame
		header, err := c.request("GET", "/api/messages/"+roomID+"?size=100", nil, &messages)
		var refusal *refused
		if errors.As(err, &refusal) && refusal.Retry == "no" {
			return -1
		}
		pageSeq, _ := strconv.Atoi(header.Get("Rooms-Seq"))
		if err == nil && pageSeq >= seq {
			return pageSeq
		}
		sleep(0.5)
	}
}

func (c *client) endLoad(roomID string, pageSeq int) {
	messages := c.held[roomID]
	delete(c.held, roomID)
	if pageSeq >= 0 {
		c.onLoaded(roomID, pageSeq)
		if seq, isKnown := c.positions[roomID]; isKnown {
			c.positions[roomID] = max(seq, pageSeq)
		}
	}
	for _, message := range messages {
		if message.Seq > pageSeq {
			c.onMessage(message)
		}
	}
}

func (c *client) add(new *command) {
	for _, other := range c.pending {
		if other.Ref == new.Ref {
			return
		}
	}
	c.pending = append(c.pending, new)
	c.sendPending()
}

func (c *client) sendPending() {
	for _, waiting := range c.pending {
		if c.current != nil && !c.current.isLeaving && waiting.connection == nil {
			waiting.connection = c.current
			c.current.send(waiting)
		}
	}
}

func (c *client) lose(conn *connection) {
	for _, waiting := range c.pending {
		if waiting.connection == conn {
			waiting.connection = nil
		}
	}
	if c.current == conn {
		c.current = nil
	}
	c.sendPending()
}

// find returns the command with this ref, or nil.
func (c *client) find(ref string) *command {
	for _, waiting := range c.pending {
		if ref != "" && waiting.Ref == ref {
			return waiting
		}
	}
	return nil
}

func (c *client) end(done *command, outcome map[string]any) {
	for index, waiting := range c.pending {
		if waiting == done {
			c.pending = append(c.pending[:index:index], c.pending[index+1:]...)
		}
	}
	c.onOutcome(done, outcome)
}

func (c *client) finish(ack frame, conn *connection) {
	if done := c.find(ack.Ref); done != nil {
		c.end(done, map[string]any{"outcome": "committed", "seq": ack.Seq})
	}
	c.closeIfDone(conn)
}

func (c *client) refuse(f frame, conn *connection) {
	refusedCommand := c.find(f.Ref)
	switch {
	case refusedCommand == nil:
		conn.retryAfter = f.RetryAfter
		c.later(f.RetryAfter, func() { c.fillAgain(conn) })
	case f.Retry == "no" || f.Retry == "new_ref":
		c.end(refusedCommand, map[string]any{"outcome": "refused", "code": f.Code})
	case f.Retry == "after_login":
		c.token.Store("")
		go conn.socket.Close(websocket.StatusNormalClosure, "") // The next connection sends the command again.
	default:
		wait := math.Max(f.RetryAfter, math.Min(4, 0.5*math.Pow(2, float64(refusedCommand.refusals))))
		refusedCommand.refusals++
		c.later(wait, func() {
			refusedCommand.connection = nil
			c.sendPending()
		})
	}
	c.closeIfDone(conn)
}

// fillAgain follows an Error without a ref: it may be the refusal of a Resume on an open socket.
func (c *client) fillAgain(conn *connection) {
	rooms := c.filling
	c.filling = map[string]bool{}
	for roomID := range rooms {
		c.fill(roomID, conn)
	}
}

// closeIfDone keeps the old connection until each of its commands has an outcome.
func (c *client) closeIfDone(conn *connection) {
	if conn == nil || conn == c.current || !conn.isReady {
		return
	}
	for _, waiting := range c.pending {
		if waiting.connection == conn {
			return
		}
	}
	go conn.socket.Close(websocket.StatusNormalClosure, "")
}

// later runs the action in the goroutine of run, after some seconds.
func (c *client) later(seconds float64, action func()) {
	time.AfterFunc(time.Duration(seconds*float64(time.Second)), func() { c.events <- action })
}

// send ignores a lost connection: the reader of the connection sees it too.
func (conn *connection) send(value any) {
	data, _ := json.Marshal(value)
	ctx, cancel := context.WithTimeout(context.Background(), httpTimeout)
	defer cancel()
	_ = conn.socket.Write(ctx, websocket.MessageText, data)
}

func (c *client) logIn() error {
	var answer struct{ Token string }
	body := map[string]string{"email": c.email, "password": c.password}
	_, err := c.request("POST", "/api/users/login", body, &answer)
	if err == nil {
		c.token.Store(answer.Token)
	}
	return err
}

func (c *client) request(method, path string, body, answer any) (http.Header, error) {
	var data bytes.Buffer
	if body != nil {
		_ = json.NewEncoder(&data).Encode(body)
	}
	ctx, cancel := context.WithTimeout(context.Background(), httpTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, &data)
	if err != nil {
		return http.Header{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token := c.token.Load().(string); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return http.Header{}, err
	}
	defer response.Body.Close()
	if response.StatusCode < 300 {
		return response.Header, json.NewDecoder(response.Body).Decode(answer)
	}
	refusal := &refused{Retry: "same_ref"} // Without this field, the answer is from a proxy.
	_ = json.NewDecoder(response.Body).Decode(refusal)
	refusal.retryAfter = retryAfter(response)
	if response.StatusCode == http.StatusUnauthorized {
		c.token.Store("")
	}
	return response.Header, refusal
}

func retryAfter(response *http.Response) float64 {
	if response == nil {
		return 0
	}
	seconds, _ := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
	return seconds
}

func sleep(seconds float64) { time.Sleep(time.Duration(seconds * float64(time.Second))) }

func newRef() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	return uuid(id, 4)
}

// refOf always makes the same ref for the same message.
func refOf(messageID string) string {
	sum := sha1.Sum([]byte("echo " + messageID))
	return uuid([16]byte(sum[:16]), 5)
}

func uuid(id [16]byte, version byte) string {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// echo answers each message of others. The ref depends on the message, so no message gets two answers.
func echo(url, email, password string) {
	c := newClient(url, email, password)
	c.onMessage = func(message frame) {
		if message.Command != "CreateMessage" || message.UserID == c.userID || message.Text == "" {
			return
		}
		text := []rune("echo: " + message.Text)
		text = text[:min(len(text), 500)]
		c.add(&command{Command: "CreateMessage", RoomID: message.RoomID, Text: string(text), Ref: refOf(message.ID)})
	}
	c.onOutcome = func(of *command, outcome map[string]any) { fmt.Println(of.Text, outcome) }
	c.onLoaded = func(roomID string, seq int) {
		fmt.Println("the messages of the room", roomID, "up to", seq, "are not answered")
	}
	c.run()
}

// kit reads what to do from standard input, and writes what happened to standard output.
func kit() {
	write := func(line any) {
		data, _ := json.Marshal(line)
		fmt.Println(string(data))
	}
	var c *client
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var order struct {
			Do, URL, Email, Password, RoomID, Text string
			Key                                    int
		}
		_ = json.Unmarshal(lines.Bytes(), &order)
		if order.Do == "start" {
			c = newClient(order.URL, order.Email, order.Password)
			c.onMessage = func(message frame) { write(map[string]any{"message": message}) }
			c.onLoaded = func(roomID string, seq int) { write(map[string]any{"loaded": roomID, "seq": seq}) }
			c.onOutcome = func(of *command, outcome map[string]any) {
				outcome["key"] = of.key
				write(outcome)
			}
			go c.run()
			continue
		}
		new := &command{Command: "CreateMessage", RoomID: order.RoomID, Text: order.Text, Ref: newRef(), key: order.Key}
		c.in(func() { c.add(new) })
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--kit" {
		kit()
	} else if len(os.Args) == 4 {
		echo(os.Args[1], os.Args[2], os.Args[3])
	} else {
		fmt.Println("usage: bot URL EMAIL PASSWORD")
	}
}

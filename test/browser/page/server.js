// The requests of the page to the server. The address of the server is in the URL of the page: ?server=http://…

const server = new URLSearchParams(location.search).get('server');

/** @throws Error with the text of the refusal, or TypeError if the server is not reachable */
export async function call(method, path, body) {
  const token = localStorage.getItem('token');
  const response = await fetch(`${server}/api/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

export function openSocket() {
  return new WebSocket(`${server.replace('http', 'ws')}/api/ws/?token=${localStorage.getItem('token')}`);
}
